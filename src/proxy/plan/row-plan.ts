/** From a draft to a plan: a new epoch, with fresh cursors and counters. */
import type { RowPlan, Schedule } from '../../model/plan.ts';
import type { Capacity } from './memory.ts';
import type { RowDraft } from './row-draft.ts';
import type { RowShape } from './row-shapes.ts';
import type { SlotAllocator } from './slots.ts';

export function writeRow(
  draft: RowDraft,
  { cells, endpoints }: RowShape,
  schedule: Schedule,
  before: RowPlan | undefined,
  slots: Record<keyof Capacity, SlotAllocator>,
): RowPlan {
  return {
    id: draft.id,
    epoch: (before?.epoch ?? 0) + 1,
    app: draft.app,
    cells,
    endpoints,
    counters: cells.map(() => slots.cells.take()),
    cellCursors: cells.map(() => slots.cursors.take()),
    schedule,
    cursor: slots.cursors.take(),
    retryCursor: slots.cursors.take(),
  };
}
