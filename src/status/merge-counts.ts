/** The counts of several proxies as one. Pure. */
import { addTimes } from '../model/answer-times.ts';
import type { CellWork, CountsDocument, EndpointCounts, RowCounts } from '../model/counts.ts';
import { type CellSums, withShares } from '../model/shares.ts';
import { finish } from '../slices/slices.ts';

/**
 * Sums per cell and endpoint, shares anew from the sums. Weights and caps are those of the last document: while a change is on its
 * way, proxies differ for some milliseconds. An endpoint is out where no proxy gives it work.
 */
export function mergeCounts(documents: readonly CountsDocument[]): CountsDocument {
  return finish(mergeSteps(documents));
}

/** The same in small steps: thousands of rows of several proxies are not to hold up a snapshot that is to be published. */
export function* mergeSteps(documents: readonly CountsDocument[]): Generator<void, CountsDocument> {
  const [only] = documents;
  if (documents.length === 1 && only !== undefined) return only;
  return {
    rows: yield* merged(
      documents.map(({ rows }) => rows),
      ({ id }) => id,
      mergeRows,
    ),
    endpoints: yield* merged(
      documents.map(({ endpoints }) => endpoints),
      ({ server, address, port }) => `${server}\n${address}\n${port}`,
      mergeEndpoints,
    ),
  };
}

/** Rows or endpoints in one step. */
const STEP = 64;

/** One per id, in the order of their first. */
function* merged<T extends object>(
  lists: readonly (readonly T[])[],
  idOf: (each: T) => string,
  merge: (same: readonly T[]) => T,
): Generator<void, T[]> {
  const groups = new Map<string, T[]>();
  let count = 0;
  for (const list of lists) {
    for (const each of list) {
      const id = idOf(each);
      const same = groups.get(id);
      if (same === undefined) groups.set(id, [each]);
      else same.push(each);
      if (++count % STEP === 0) yield;
    }
  }
  const all: T[] = [];
  for (const same of groups.values()) {
    all.push(once(same, merge));
    if (all.length % STEP === 0) yield;
  }
  return all;
}

/** What was merged of the same objects (===): most rows are idle, and what is not reported anew stays the same object. */
const known = new WeakMap<object, { readonly same: readonly object[]; readonly merged: object }>();

function once<T extends object>(same: readonly T[], merge: (same: readonly T[]) => T): T {
  const last = same.at(-1)!;
  const before = known.get(last);
  if (before?.same.length === same.length && before.same.every((each, index) => each === same[index])) {
    return before.merged as T;
  }
  const result = merge(same);
  known.set(last, { same, merged: result });
  return result;
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
    ...(cells.at(-1)!.cap === undefined ? {} : { inFlight: sum(({ inFlight = 0 }) => inFlight) }),
    ...mergeWork(cells.flatMap(({ work }) => (work === undefined ? [] : [work]))),
  };
}

function mergeWork(works: readonly CellWork[]): { readonly work?: CellWork } {
  if (works.length === 0) return {};
  const sum = (of: (work: CellWork) => number) => works.reduce((total, work) => total + of(work), 0);
  const [answered, seconds] = [sum((work) => work.answered), sum((work) => work.seconds)];
  const counted = works.flatMap(({ times }) => (times === undefined ? [] : [times]));
  const times = counted.length === 0 ? {} : { times: counted.reduce((a, b) => addTimes(a, b)) };
  return {
    work: { answered, seconds, timeouts: sum((work) => work.timeouts), shed: sum((work) => work.shed), ...times },
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
