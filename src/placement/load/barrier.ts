/**
 * The load LP without a solver, for where HiGHS is not to be had: ascent of the logarithmic barrier (Frisch 1955), one cell
 * at a time. Every point on the way is feasible, and hosts are kept away from full, so loads come out balanced, too.
 */
import type { State } from '../state/state.ts';
import type { Cells } from './cells.ts';
import { loadsOf, setLoads } from './cells.ts';

/** Weights of the barrier beside the value, in parts of a mean host's value, from balance to value. */
const WEIGHTS = [0.1, 0.02, 0.004, 0.0008];
const SWEEPS = 20;
const INSIDE = 1 - 1e-3;

/** From the loads of the state to better ones, which it sets. What a last flow fills up is the caller's to do. */
export function ascend(state: State, cells: Cells, expired: () => boolean): void {
  const { model, pool, residual } = state;
  const start = loadsOf(state, cells);
  setLoads(
    state,
    cells,
    start.map((load) => load * INSIDE),
  );
  const floor = state.floor.map((each, j) => Math.min(each, state.served[j]!) * INSIDE);
  for (const weight of WEIGHTS) {
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      if (expired()) return;
      for (const [at, i] of cells.instance.entries()) step(i, cells.column[at]!, weight * model.hostValue);
    }
  }

  function step(i: number, j: number, weight: number): void {
    const k = j - model.firstColumn[model.workloadOf[j]!]!;
    const now = pool.load[i * model.classCount + k]!;
    const most = Math.min(now + state.room(i, j), now + model.rate[j]! - state.served[j]!);
    const least = Math.max(0, now - Math.max(0, state.served[j]! - floor[j]!));
    let [low, high] = [least, most];
    // The slope falls from +infinity to -infinity on the way up: bisection cannot miss.
    for (let turn = 0; turn < 24 && high - low > 1e-9 * model.rate[j]!; turn++) {
      const middle = (low + high) / 2;
      if (slope(i, j, middle - now, weight) > 0) low = middle;
      else high = middle;
    }
    state.setLoad(i, k, low);
  }

  /** Derivative of the value, and of the barrier in units of value, by the load of a cell. */
  function slope(i: number, j: number, more: number, weight: number): number {
    const R = model.resourceCount;
    const host = pool.host[i]! * R;
    let sum = model.value[j]!;
    for (let r = 0; r < R; r++) {
      const use = model.cost[j * R + r]! * pool.factor[i * R + r]!;
      if (use > 0) sum -= (weight * use) / Math.max(1e-300, residual[host + r]! - more * use);
    }
    const left = model.rate[j]! - state.served[j]! - more;
    return sum - (weight * 1e-3 * model.share[j]! * model.rate[j]!) / Math.max(1e-300, left);
  }
}
