/** Which endpoints of matrices a window of samples is about: the same ones at every proxy of the same snapshot. */
import type { RowPlan } from '../../model/plan.ts';
import { hashText } from '../../scheduler/hashed.ts';
import { MAX_MEASURED } from '../shared.ts';

export interface ChosenEndpoint {
  readonly row: string;
  readonly server: string;
  readonly address: string;
  readonly port: number;
  readonly slot: number;
}

/**
 * At most so many of them. Where there are more, each window draws others by its number: which of them have requests is
 * known to no proxy alone.
 */
export function chooseEndpoints(rows: Iterable<RowPlan>, window: number, most: number): ChosenEndpoint[] {
  const lots = [...rows]
    .filter(({ app }) => app !== null)
    .map((row) => ({ row, lot: hashText(`${window} ${row.id}`) }))
    .toSorted((a, b) => a.lot - b.lot || (a.row.id < b.row.id ? -1 : 1));
  const chosen: ChosenEndpoint[] = [];
  for (const { row } of lots) {
    for (const { server, first, count } of row.cells) {
      for (let at = first; at < first + count; at++) {
        const { slot, address, port } = row.endpoints[at]!;
        if (chosen.length === most) return chosen;
        if (slot < MAX_MEASURED) chosen.push({ row: row.id, server, address, port, slot });
      }
    }
  }
  return chosen;
}
