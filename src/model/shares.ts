/** Asked and delivered shares of a row's cells, from what is counted of them. */
import type { CellCounts } from './counts.ts';

/** A cell as it is counted. */
export type CellSums = Omit<CellCounts, 'asked' | 'askedAvailable' | 'delivered'>;

/** All cells of one row, in its order. */
export function withShares(cells: readonly CellSums[]): CellCounts[] {
  let [weights, available, chosen] = [0, 0, 0];
  for (const cell of cells) {
    weights += cell.weight;
    if (cell.available) available += cell.weight;
    chosen += cell.epochRequests;
  }
  return cells.map(({ server, app, weight, available: takes, epochRequests, requests, retries, sticky, failures }) => ({
    server,
    app,
    weight,
    available: takes,
    asked: weights === 0 ? 0 : weight / weights,
    askedAvailable: available === 0 || !takes ? 0 : weight / available,
    delivered: chosen === 0 ? null : epochRequests / chosen,
    epochRequests,
    requests,
    retries,
    sticky,
    failures,
  }));
}
