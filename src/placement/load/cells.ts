/** Loads as a list of cells, apart from the state that they came from; setting them, and making sure that they fit. */
import { NONE, type State } from '../state/state.ts';

/** Cells (instance, column) with demand, host by host; the same order in everything that is over them. */
export interface Cells {
  readonly instance: Int32Array;
  readonly column: Int32Array;
}

export function cellsOf({ model, pool }: State): Cells {
  const instance: number[] = [];
  const column: number[] = [];
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      const a = pool.workload[i]!;
      for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) {
        if (model.rate[j]! <= 0) continue;
        instance.push(i);
        column.push(j);
      }
    }
  }
  return { instance: Int32Array.from(instance), column: Int32Array.from(column) };
}

export function loadsOf({ model, pool }: State, { instance, column }: Cells): Float64Array {
  return Float64Array.from(instance, (i, at) => {
    const j = column[at]!;
    return pool.load[i * model.classCount + j - model.firstColumn[model.workloadOf[j]!]!]!;
  });
}

/** Sets all loads; what a solver's tolerance let through is cut until every host and every demand holds. */
export function setLoads(state: State, cells: Cells, loads: Float64Array): void {
  const { model, residual } = state;
  const kOf = (j: number): number => j - model.firstColumn[model.workloadOf[j]!]!;
  for (const [at, i] of cells.instance.entries()) state.setLoad(i, kOf(cells.column[at]!), loads[at]!);
  const R = model.resourceCount;
  const part = new Float64Array(model.hostCount).fill(1);
  for (let at = 0; at < residual.length; at++) {
    const used = model.capacity[at]! - residual[at]!;
    const host = Math.floor(at / R);
    if (residual[at]! < 0 && used > 0) part[host] = Math.min(part[host]!, (model.capacity[at]! / used) * (1 - 1e-12));
  }
  const { pool, served } = state;
  const over = Float64Array.from(served, (each, j) => (each > model.rate[j]! ? model.rate[j]! / each : 1));
  for (const [at, i] of cells.instance.entries()) {
    const j = cells.column[at]!;
    const by = Math.min(part[pool.host[i]!]!, over[j]!);
    if (by < 1) state.setLoad(i, kOf(j), loads[at]! * by);
  }
  state.freed++;
}
