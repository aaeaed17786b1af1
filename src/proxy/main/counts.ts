/** Shares and live counts, from shared memory and from what ended epochs left. */
import type { CountsDocument, EndpointCounts, RowCounts } from '../../model/counts.ts';
import { type CellSums, withShares } from '../../model/shares.ts';
import { addSums } from '../plan/ledger.ts';
import type { Planner, RowState } from '../plan/planner.ts';
import { DOWN } from '../shared.ts';
import type { MainMemory } from './memory.ts';

/** `isFailing`: whether an endpoint would be out, if it were not spared. */
export function countsOf(planner: Planner, memory: MainMemory, isFailing: (slot: number) => boolean): CountsDocument {
  return {
    rows: [...planner.rows()].map((row) => rowCounts(row, planner, memory)),
    endpoints: endpointCounts(planner, memory, isFailing),
  };
}

function rowCounts(row: RowState, planner: Planner, memory: MainMemory): RowCounts {
  const { plan } = row;
  const current = plan.counters.map(memory.readCell);
  const ended = planner.ended(row);
  const cells = plan.cells.map(({ server, weight, available }, index): CellSums => {
    const { first } = current[index]!;
    const { first: requests, retries, sticky, failures } = addSums(current[index]!, ended[index]!);
    return { server, app: plan.app, weight, available, epochRequests: first, requests, retries, sticky, failures };
  });
  return { id: plan.id, epoch: plan.epoch, cells: withShares(cells) };
}

function endpointCounts(planner: Planner, memory: MainMemory, isFailing: (slot: number) => boolean): EndpointCounts[] {
  const counts: EndpointCounts[] = [];
  for (const { slot, address, port, servers } of planner.endpoints()) {
    const bits = Atomics.load(memory.state.down, slot);
    const active = Math.max(0, Atomics.load(memory.state.inflight, slot));
    for (const server of servers.keys()) {
      const down: string[] = [];
      if (bits & DOWN.check) down.push('check');
      if (bits & DOWN.ejected) down.push('ejected');
      // The bit says that all its real servers are quiesced; shown is what this one says.
      if (planner.server(server)?.quiesced === true) down.push('quiesced');
      const available = down.length === 0;
      if (isFailing(slot)) down.push('failing');
      counts.push({ server, address, port, active, available, down });
    }
  }
  return counts;
}
