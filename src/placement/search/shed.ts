/** A newcomer raises the costs of neighbours that it disturbs: what no longer fits is cut, all of a host's cells alike. */
import { NONE, type State } from '../state/state.ts';

/** Whether anything had to be cut. Who lost what is the caller's to serve elsewhere. */
export function shed(state: State, host: number): boolean {
  const { model, residual, pool } = state;
  const { resourceCount: R, classCount: K } = model;
  let part = 1;
  for (let r = 0; r < R; r++) {
    const left = residual[host * R + r]!;
    if (left >= 0) continue;
    let used = 0;
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      const first = model.firstColumn[pool.workload[i]!]!;
      const end = model.firstColumn[pool.workload[i]! + 1]!;
      for (let j = first; j < end; j++) {
        used += pool.load[i * K + j - first]! * model.cost[j * R + r]! * pool.factor[i * R + r]!;
      }
    }
    part = Math.min(part, Math.max(0, 1 + left / used) * (1 - 1e-12));
  }
  if (part === 1) return false;
  for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
    const a = pool.workload[i]!;
    const classes = model.firstColumn[a + 1]! - model.firstColumn[a]!;
    for (let k = 0; k < classes; k++) if (pool.load[i * K + k]! > 0) state.setLoad(i, k, pool.load[i * K + k]! * part);
  }
  state.freed++;
  return true;
}
