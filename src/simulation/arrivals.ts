/**
 * When requests come and how much work they are. Every column has a stream of random numbers of its own for its arrivals, and
 * another one for the work: whatever is done with the requests, and whatever other columns do, they are the same ones.
 */
import { type Random, seededRandom } from '../placement/random.ts';

export interface Arrivals {
  readonly count: number;
  readonly resourceCount: number;
  /** Seconds, ascending. */
  readonly time: Float64Array;
  readonly column: Int32Array;
  /** [i * R + r]: what a request needs of a resource where nothing disturbs it. */
  readonly work: Float64Array;
}

export interface ArrivalOptions {
  readonly seed: number;
  /** Until when requests come, from 0 on. */
  readonly seconds: number;
  /** Requests/s per column. */
  readonly rate: ArrayLike<number>;
  /** [j * R + r]: mean work of a request. */
  readonly cost: ArrayLike<number>;
  readonly resourceCount: number;
  readonly sizes: Sizes;
}

/**
 * How work is distributed around its mean: all alike; exponentially; or `mixed`, nine small ones for a large one (two
 * exponentials, the square of the coefficient of variation being 4).
 */
export type Sizes = 'fixed' | 'exponential' | 'mixed';

/** Open loop: Poisson arrivals, whatever becomes of those before. */
export function drawArrivals({ seed, seconds, rate, cost, resourceCount, sizes }: ArrivalOptions): Arrivals {
  const columns = Array.from(rate, (each, column) => arrivalsOf(each, seconds, seededRandom(mix(seed, 2 * column))));
  const count = columns.reduce((sum, { length }) => sum + length, 0);
  const time = new Float64Array(count);
  const column = new Int32Array(count);
  const work = new Float64Array(count * resourceCount);
  const randoms = columns.map((_, j) => seededRandom(mix(seed, 2 * j + 1)));
  const next = new Int32Array(columns.length);
  const size = SIZES[sizes];
  for (let i = 0; i < count; i++) {
    const j = earliest(columns, next);
    time[i] = columns[j]![next[j]!]!;
    column[i] = j;
    next[j]!++;
    for (let r = 0; r < resourceCount; r++) {
      const mean = cost[j * resourceCount + r]!;
      // Drawn whether or not it is needed, so that another cost does not change the numbers that follow.
      work[i * resourceCount + r] = mean * size(randoms[j]!);
    }
  }
  return { count, resourceCount, time, column, work };
}

const SIZES: Readonly<Record<Sizes, (random: Random) => number>> = {
  fixed: () => 1,
  exponential: (random) => -Math.log(1 - random()),
  mixed: (random) => {
    const mean = random() < LARGE ? LARGE_MEAN : SMALL_MEAN;
    return -mean * Math.log(1 - random());
  },
};
const LARGE = 0.1;
/** Of two exponentials with a mean of 1 together: 2 (p a² + (1 - p) b²) - 1 = 4 where p = 0.1. */
const LARGE_MEAN = 1 + Math.sqrt(13.5);
const SMALL_MEAN = (1 - LARGE * LARGE_MEAN) / (1 - LARGE);

function arrivalsOf(rate: number, seconds: number, random: Random): number[] {
  const times: number[] = [];
  if (rate <= 0) return times;
  for (let at = -Math.log(1 - random()) / rate; at < seconds; at -= Math.log(1 - random()) / rate) times.push(at);
  return times;
}

function earliest(columns: readonly (readonly number[])[], next: Int32Array): number {
  let best = -1;
  let least = Infinity;
  for (let j = 0; j < columns.length; j++) {
    const at = columns[j]![next[j]!] ?? Infinity;
    if (at < least) [best, least] = [j, at];
  }
  return best;
}

/** Seeds that lie side by side must not give streams that do (MurmurHash3's finalizer, public domain). */
export function mix(seed: number, stream: number): number {
  let x = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
