/** The requests of a run. Pure. */
import { type Arrivals, drawArrivals, mix } from '../../../src/simulation/arrivals.ts';
import type { Times } from './scenarios.ts';

/** An overload that a run shows has lasted for so many seconds when it begins to count. */
const LASTED = 30;

export interface RequestOptions {
  readonly seed: number;
  readonly times: Times;
  /** Part of what can be served. */
  readonly load: number;
  /** Requests/s per column at 100 %. */
  readonly rates: readonly number[];
}

/**
 * Poisson arrivals with exponential sizes. What a system without caps has not done grows slowly at loads just above 100 %, and a
 * run is short: so the warm-up of an overload brings as much work beyond what can be done as `LASTED` seconds of it would have.
 */
export function requestsOf({ seed, times, load, rates }: RequestOptions): Arrivals {
  const { warmUp, seconds } = times;
  const before = load > 1 ? 1 + ((load - 1) * LASTED) / warmUp : load;
  const draw = (stream: number, of: number, duration: number): Arrivals =>
    drawArrivals({
      seed: mix(seed, stream),
      seconds: duration,
      rate: rates.map((rate) => of * rate),
      cost: rates.map(() => 1),
      resourceCount: 1,
      sizes: 'exponential',
    });
  return joined(draw(1, before, warmUp), draw(2, load, seconds - warmUp), warmUp);
}

/** One after the other, the second one from `at` seconds on. */
function joined(first: Arrivals, second: Arrivals, at: number): Arrivals {
  return {
    count: first.count + second.count,
    resourceCount: 1,
    time: Float64Array.of(...first.time, ...second.time.map((time) => at + time)),
    column: Int32Array.of(...first.column, ...second.column),
    work: Float64Array.of(...first.work, ...second.work),
  };
}
