/** From a draft to a plan: a new epoch, with fresh cursors and counters. */
import type { RowPlan, Schedule } from '../../model/plan.ts';
import { NONE } from '../../scheduler/cell-room.ts';
import type { Capacity } from './memory.ts';
import type { RowDraft } from './row-draft.ts';
import type { RowShape } from './row-shapes.ts';
import type { RowState } from './row-state.ts';
import type { SlotAllocator } from './slots.ts';

export function writeRow(
  draft: RowDraft,
  shape: RowShape,
  schedule: Schedule,
  before: RowState | undefined,
  slots: Record<keyof Capacity, SlotAllocator>,
): RowPlan {
  const { cells, endpoints } = shape;
  return {
    id: draft.id,
    epoch: (before?.plan.epoch ?? 0) + 1,
    app: draft.app,
    cells,
    endpoints,
    counters: cells.map(() => slots.cells.take()),
    ...(cells.every(({ cap }) => cap === undefined) ? {} : { capSlots: capSlots(shape, before, slots.caps) }),
    cellCursors: cells.map(() => slots.cursors.take()),
    schedule,
    cursor: slots.cursors.take(),
    retryCursor: slots.cursors.take(),
  };
}

/** What is in flight at a cell goes on through the epochs: a cell that had a cap keeps its slot. */
function capSlots({ cells, names }: RowShape, before: RowState | undefined, caps: SlotAllocator): number[] {
  return cells.map(({ cap }, cell) => {
    if (cap === undefined) return NONE;
    const known = before?.plan.capSlots?.[before.names.indexOf(names[cell]!)] ?? NONE;
    return known === NONE ? caps.take() : known;
  });
}

/** Slots that the epoch before had, and this one has not. */
export function droppedCaps(before: RowPlan | undefined, now: RowPlan | null): number[] {
  const kept = now?.capSlots;
  return (before?.capSlots ?? []).filter((slot) => slot !== NONE && kept?.includes(slot) !== true);
}
