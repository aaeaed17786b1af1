/** From a draft to a plan: a new epoch, with fresh cursors and counters. */
import type { RowPlan, Schedule } from '../../model/plan.ts';
import type { EndpointRegistry } from './endpoints.ts';
import type { Capacity } from './memory.ts';
import type { RowDraft } from './row-draft.ts';
import type { SlotAllocator } from './slots.ts';

export function writeRow(
  draft: RowDraft,
  schedule: Schedule,
  before: RowPlan | undefined,
  slots: Slots,
  endpoints: EndpointRegistry,
): RowPlan {
  return {
    id: draft.id,
    epoch: (before?.epoch ?? 0) + 1,
    cells: draft.cells.map((cell) => ({ ...cell, counter: slots.cells.take(), cursor: slots.cursors.take() })),
    endpoints: draft.endpoints.map((endpoint) => ({
      cell: endpoint.cell,
      slot: endpoints.slotOf(endpoint),
      address: endpoint.address,
      port: endpoint.port,
      available: endpoint.available,
      maxConnections: endpoint.maxConnections,
      protocol: endpoint.protocol,
      tls: endpoint.tls,
      guard: endpoint.guard,
    })),
    schedule,
    cursor: slots.cursors.take(),
    retryCursor: slots.cursors.take(),
  };
}

/** What a cell's counts are kept under over the epochs: its real server, and a number where that stands there twice. */
export function cellNames(plan: RowPlan): string[] {
  const seen = new Map<string, number>();
  return plan.cells.map(({ server }) => {
    const times = (seen.get(server) ?? 0) + 1;
    seen.set(server, times);
    return times === 1 ? server : `${server} #${times}`;
  });
}

type Slots = Record<keyof Capacity, SlotAllocator>;
