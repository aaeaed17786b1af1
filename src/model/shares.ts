/** Asked and delivered shares of a row's cells, from what is counted of them. */
import type { CellCounts } from './counts.ts';

/** A cell as it is counted. */
export type CellSums = Omit<CellCounts, 'asked' | 'askedAvailable' | 'delivered'>;

/** All cells of one row, in its order. */
export function withShares(cells: readonly CellSums[]): CellCounts[] {
  let [weights, available, chosen] = [0, 0, 0];
  for (const cell of cells) {
    weights += cell.weight;
    if (cell.available) available += cell.scaled ?? cell.weight;
    chosen += cell.epochRequests;
  }
  return cells.map((cell) => ({
    server: cell.server,
    app: cell.app,
    weight: cell.weight,
    ...(cell.scaled === undefined ? {} : { scaled: cell.scaled }),
    available: cell.available,
    ...(cell.cap === undefined ? {} : { cap: cell.cap, inFlight: cell.inFlight ?? 0 }),
    asked: weights === 0 ? 0 : cell.weight / weights,
    askedAvailable: available === 0 || !cell.available ? 0 : (cell.scaled ?? cell.weight) / available,
    delivered: chosen === 0 ? null : cell.epochRequests / chosen,
    epochRequests: cell.epochRequests,
    requests: cell.requests,
    retries: cell.retries,
    sticky: cell.sticky,
    failures: cell.failures,
    ...(cell.work === undefined ? {} : { work: cell.work }),
  }));
}
