/**
 * Objective 1 by flow: the largest s with every column that has an instance served at least s of its demand, found by
 * bisection, then the sum on top of it. With one resource and no conflict no sum is lost by it: what can be served at
 * all is a polymatroid (Megiddo 1974).
 */
import type { Flow } from '../search/flow.ts';
import type { State } from '../state/state.ts';
import { cellsOf, loadsOf, setLoads } from './cells.ts';

const STEPS = 22;

/** Sets loads and `state.floor`; answers with s, or with the best that is known when time is over. */
export function shareFairly(state: State, flow: Flow, order: Int32Array, expired: () => boolean = () => false): number {
  const { model } = state;
  const fair = order.filter((j) => model.rate[j]! > 0 && state.instances[model.workloadOf[j]!]! > 0);
  const served = (): number => fair.reduce((least, j) => Math.min(least, state.served[j]! / model.rate[j]!), 1);
  let low = served();
  if (low >= 1 - 1e-9) return 1;
  const cells = cellsOf(state);
  let best = loadsOf(state, cells);
  let high = 1;
  state.floor.fill(0);
  for (let step = 0; step < STEPS && high - low > 1e-7 && !expired(); step++) {
    const s = (low + high) / 2;
    setLoads(state, cells, capped(state, cells.column, best, s));
    for (const j of fair) {
      state.target[j] = s * model.rate[j]!;
      state.floor[j] = Math.min(state.target[j], state.served[j]!);
    }
    flow.serveAll(fair);
    if (served() >= s * (1 - 1e-7)) [low, best] = [s, loadsOf(state, cells)];
    else high = s;
  }
  setLoads(state, cells, best);
  for (const j of fair) {
    state.target[j] = model.rate[j]!;
    state.floor[j] = Math.min(low * model.rate[j]!, state.served[j]!);
  }
  flow.serveAll(fair);
  return low;
}

/** Loads with every column cut down to s of its demand. */
function capped(state: State, columns: Int32Array, loads: Float64Array, s: number): Float64Array {
  const total = new Float64Array(state.model.columnCount);
  for (const [at, j] of columns.entries()) total[j]! += loads[at]!;
  return loads.map((load, at) => {
    const j = columns[at]!;
    return load * Math.min(1, (s * state.model.rate[j]!) / Math.max(total[j]!, 1e-300));
  });
}
