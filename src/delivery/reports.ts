/**
 * Counts on their way from a proxy to the controller: only what is not as it was, in a form a quarter as long as the
 * document, in parts of bounded size. Pure.
 */
import type { CellCounts, CellWork, CountsDocument, EndpointCounts, RowCounts } from '../model/counts.ts';
import { withShares } from '../model/shares.ts';
import type { News } from './contract.ts';
import { MAX_REQUEST, type ReportRequest } from './wire.ts';

export type ReportBody = Pick<ReportRequest, 'rows' | 'rowsGone' | 'endpoints' | 'endpointsGone'>;
type RowReport = ReportBody['rows'][number];
type EndpointReport = ReportBody['endpoints'][number];

export const NO_COUNTS: CountsDocument = { rows: [], endpoints: [] };

/**
 * The difference, in parts that each fit into a request; none where nothing has changed. What is the same object (===) in
 * both, in the same order, costs a comparison of pointers.
 */
export function diffCounts(before: CountsDocument, after: CountsDocument, most = MAX_REQUEST / 8): ReportBody[] {
  const parts = new Parts(most);
  const rows = diffLists(before.rows, after.rows, ({ id }) => id, sameRow);
  for (const row of rows.changed) parts.add('rows', rowReport(row));
  for (const { id } of rows.gone) parts.add('rowsGone', id);
  const endpoints = diffLists(before.endpoints, after.endpoints, endpointKey, sameEndpoint);
  for (const endpoint of endpoints.changed) parts.add('endpoints', endpointReport(endpoint));
  for (const { server, address, port } of endpoints.gone) parts.add('endpointsGone', [server, address, port]);
  return parts.all;
}

/** What is new or not as before, and what is gone. Names are unique in each list. */
function diffLists<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (each: T) => string,
  isSame: (a: T, b: T) => boolean,
): { readonly changed: readonly T[]; readonly gone: Iterable<T> } {
  const changed: T[] = [];
  const missing: T[] = [];
  const fresh: T[] = [];
  let at = 0;
  for (const each of after) {
    const known = before[at];
    if (each === known) at++;
    else if (known !== undefined && nameOf(known) === nameOf(each)) {
      if (!isSame(known, each)) changed.push(each);
      at++;
    } else {
      // Most often something before it is gone, and all that is left stands in the order in which it stood.
      let found = at + 1;
      while (found <= at + AHEAD && before[found] !== each) found++;
      if (found > at + AHEAD) fresh.push(each);
      else {
        for (; at < found; at++) missing.push(before[at]!);
        at++;
      }
    }
  }
  for (; at < before.length; at++) missing.push(before[at]!);
  const gone = new Map(missing.map((each) => [nameOf(each), each]));
  for (const each of fresh) {
    const name = nameOf(each);
    const known = gone.get(name);
    gone.delete(name);
    if (known === undefined || !isSame(known, each)) changed.push(each);
  }
  return { changed, gone: gone.values() };
}

/** So many that are gone one after the other are found without naming what follows. */
const AHEAD = 16;

/** What one proxy has reported, put together again. What is not reported anew stays the same object (===). */
export class MergedCounts {
  #rows = new Map<string, RowCounts>();
  #endpoints = new Map<string, EndpointCounts>();
  #document: CountsDocument | null = NO_COUNTS;
  #cells = 0;

  get document(): CountsDocument {
    this.#document ??= { rows: [...this.#rows.values()], endpoints: [...this.#endpoints.values()] };
    return this.#document;
  }

  /** How much it holds, in cells and endpoints. */
  get size(): number {
    return this.#cells + this.#endpoints.size;
  }

  clear(): void {
    this.#rows.clear();
    this.#endpoints.clear();
    this.#cells = 0;
    this.#document = null;
  }

  merge({ rows, rowsGone, endpoints, endpointsGone }: ReportBody): News {
    let news: News = 'Counts';
    for (const report of rows) {
      const row = rowOf(report);
      this.#cells += row.cells.length - (this.#rows.get(row.id)?.cells.length ?? 0);
      this.#rows.set(row.id, row);
    }
    for (const id of rowsGone) {
      this.#cells -= this.#rows.get(id)?.cells.length ?? 0;
      this.#rows.delete(id);
    }
    for (const report of endpoints) {
      const endpoint = endpointOf(report);
      const key = endpointKey(endpoint);
      const known = this.#endpoints.get(key);
      if (known === undefined || !sameHealth(known, endpoint)) news = 'Health';
      this.#endpoints.set(key, endpoint);
    }
    for (const [server, address, port] of endpointsGone) {
      if (this.#endpoints.delete(endpointKey({ server, address, port }))) news = 'Health';
    }
    this.#document = null;
    return news;
  }
}

/** What all proxies report together, in bytes per second. */
const BUDGET = 1 << 20;
const SOONEST = 1000;
const LATEST = 30_000;

/** Milliseconds until a proxy's next report, after one of `bytes`, where `replicas` proxies report. */
export function reportPause(bytes: number, replicas: number): number {
  return Math.round(Math.min(LATEST, Math.max(SOONEST, (bytes * replicas * 1000) / BUDGET)));
}

class Parts {
  readonly all: ReportBody[] = [];
  readonly #most: number;
  #part: { [K in keyof ReportBody]: ReportBody[K][number][] } | null = null;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add<K extends keyof ReportBody>(field: K, report: ReportBody[K][number]): void {
    // In characters: names are ASCII, and there is room for those that are not.
    const bytes = JSON.stringify(report).length + 1;
    if (this.#part === null || this.#bytes + bytes > this.#most) {
      this.#part = { rows: [], rowsGone: [], endpoints: [], endpointsGone: [] };
      this.#bytes = 0;
      this.all.push(this.#part);
    }
    this.#bytes += bytes;
    (this.#part[field] as ReportBody[K][number][]).push(report);
  }
}

const rowReport = ({ id, epoch, cells }: RowCounts): RowReport => [
  id,
  epoch,
  cells.map(({ server, app, weight, scaled, available, epochRequests, requests, retries, sticky, failures }) => [
    server,
    app,
    weight,
    available ? 1 : 0,
    epochRequests,
    requests,
    retries,
    sticky,
    failures,
    ...(scaled === undefined ? ([] as const) : ([scaled] as const)),
  ]),
  cells.flatMap(({ work }, index) => (work === undefined ? [] : [workReport(index, work)])),
  ...capReports(cells),
];

/** Nothing, where no cell has a cap: most rows are so. */
function capReports(cells: RowCounts['cells']): [] | [NonNullable<RowReport[4]>] {
  const caps = cells.flatMap(({ cap, inFlight = 0 }, index): [number, number, number][] =>
    cap === undefined ? [] : [[index, cap, inFlight]],
  );
  return caps.length === 0 ? [] : [caps];
}

type WorkReport = NonNullable<RowReport[3]>[number];

const workReport = (index: number, { answered, seconds, timeouts, shed, times }: CellWork): WorkReport => [
  index,
  answered,
  Math.round(seconds * 1000) / 1000,
  timeouts,
  shed,
  ...(times === undefined ? ([] as const) : ([times as number[]] as const)),
];

const rowOf = ([id, epoch, cells, work = [], capped = []]: RowReport): RowCounts => {
  const caps = new Map(capped.map(([index, cap, inFlight]) => [index, { cap, inFlight }]));
  const works = new Map(
    work.map(([index, answered, seconds, timeouts, shed, times]): [number, CellWork] => [
      index,
      { answered, seconds, timeouts, shed, ...(times === undefined ? {} : { times }) },
    ]),
  );
  return {
    id,
    epoch,
    cells: withShares(
      cells.map(
        ([server, app, weight, available, epochRequests, requests, retries, sticky, failures, scaled], index) => ({
          server,
          app,
          weight,
          ...(scaled === undefined ? {} : { scaled }),
          available: available === 1,
          epochRequests,
          requests,
          retries,
          sticky,
          failures,
          ...(works.has(index) ? { work: works.get(index)! } : {}),
          ...caps.get(index),
        }),
      ),
    ),
  };
};

const endpointReport = ({ server, address, port, active, available, down }: EndpointCounts): EndpointReport => [
  server,
  address,
  port,
  active,
  available ? 1 : 0,
  [...down],
];

const endpointOf = ([server, address, port, active, available, down]: EndpointReport): EndpointCounts => ({
  server,
  address,
  port,
  active,
  available: available === 1,
  down,
});

const endpointKey = ({ server, address, port }: Pick<EndpointCounts, 'server' | 'address' | 'port'>): string =>
  `${server} ${address} ${port}`;

const sameRow = (a: RowCounts, b: RowCounts): boolean =>
  a.epoch === b.epoch && a.cells.length === b.cells.length && a.cells.every((cell, i) => sameCell(cell, b.cells[i]!));

const sameCell = (a: CellCounts, b: CellCounts): boolean =>
  a.epochRequests === b.epochRequests &&
  a.requests === b.requests &&
  a.available === b.available &&
  a.weight === b.weight &&
  a.scaled === b.scaled &&
  a.failures === b.failures &&
  a.retries === b.retries &&
  a.sticky === b.sticky &&
  a.work?.answered === b.work?.answered &&
  a.work?.timeouts === b.work?.timeouts &&
  a.work?.shed === b.work?.shed &&
  a.cap === b.cap &&
  a.inFlight === b.inFlight &&
  a.server === b.server &&
  a.app === b.app;

const sameEndpoint = (a: EndpointCounts, b: EndpointCounts): boolean => a.active === b.active && sameHealth(a, b);

const sameHealth = (a: EndpointCounts, b: EndpointCounts): boolean =>
  a.available === b.available && a.down.length === b.down.length && a.down.every((why, i) => why === b.down[i]);
