/** Caps of cells: how many requests a matrix lets an app have at a server. */
import type { DispatchState, RowPlan } from '../model/plan.ts';

/**
 * Whether the cell may have one more in flight. A cap is divided among the proxies that share it, each has at least 1. Workers
 * that look at the same moment may let in one each.
 */
export function cellHasRoom({ cells, capSlots }: RowPlan, state: DispatchState, cell: number): boolean {
  const slot = capSlots === undefined ? NONE : capSlots[cell]!;
  if (slot === NONE) return true;
  const own = Math.ceil(cells[cell]!.cap! / Math.max(1, state.replicas[0]!));
  return state.cellInflight[slot]! < own;
}

/** In `RowPlan.capSlots`: the cell has no cap. */
export const NONE = -1;
