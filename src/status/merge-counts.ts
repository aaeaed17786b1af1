/** The counts of several proxies as one. Pure. */
import type { CountsDocument, EndpointCounts, RowCounts } from '../model/counts.ts';
import { type CellSums, withShares } from '../model/shares.ts';

/**
 * Sums per cell and endpoint, shares anew from the sums. Weights are those of the last document: while a change is on its
 * way, proxies differ for some milliseconds. An endpoint is out where no proxy gives it work.
 */
export function mergeCounts(documents: readonly CountsDocument[]): CountsDocument {
  const [only] = documents;
  if (documents.length === 1 && only !== undefined) return only;
  return {
    rows: merged(
      documents.flatMap(({ rows }) => rows),
      ({ id }) => id,
      mergeRows,
    ),
    endpoints: merged(
      documents.flatMap(({ endpoints }) => endpoints),
      ({ server, address, port }) => `${server}\n${address}\n${port}`,
      mergeEndpoints,
    ),
  };
}

/** One per id, in the order of their first. */
function merged<T>(all: readonly T[], idOf: (each: T) => string, merge: (same: readonly T[]) => T): T[] {
  return [...Map.groupBy(all, idOf).values()].map(merge);
}

function mergeRows(rows: readonly RowCounts[]): RowCounts {
  const last = rows.at(-1)!;
  const cells = Map.groupBy(
    rows.flatMap((row) => row.cells),
    ({ server }) => server,
  );
  const sums = last.cells.map(({ server }) => mergeCells(cells.get(server) ?? []));
  return { id: last.id, epoch: Math.max(...rows.map(({ epoch }) => epoch)), cells: withShares(sums) };
}

function mergeCells(cells: readonly CellSums[]): CellSums {
  const sum = (of: (cell: CellSums) => number) => cells.reduce((total, cell) => total + of(cell), 0);
  return {
    ...cells.at(-1)!,
    available: cells.some(({ available }) => available),
    epochRequests: sum((cell) => cell.epochRequests),
    requests: sum((cell) => cell.requests),
    retries: sum((cell) => cell.retries),
    sticky: sum((cell) => cell.sticky),
    failures: sum((cell) => cell.failures),
  };
}

function mergeEndpoints(endpoints: readonly EndpointCounts[]): EndpointCounts {
  const available = endpoints.some((each) => each.available);
  return {
    ...endpoints.at(-1)!,
    active: endpoints.reduce((total, each) => total + each.active, 0),
    available,
    down: available ? [] : [...new Set(endpoints.flatMap(({ down }) => down))],
  };
}
