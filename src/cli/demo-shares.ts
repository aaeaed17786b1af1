/** Asked against delivered: the arithmetic of the demo, pure. */
import type { CountsDocument } from '../model/counts.ts';

export interface AppShares {
  readonly app: string;
  readonly cells: readonly CellShare[];
  /** First choices of the epoch, over all cells. */
  readonly requests: number;
  readonly failures: number;
  /** The largest |count − N · share| of the cells: exact means at most 1, whatever N is. */
  readonly offBy: number;
}

export interface CellShare {
  readonly server: string;
  readonly weight: number;
  /** 0 … 1, by weight over what is available. */
  readonly asked: number;
  readonly delivered: number | null;
  readonly requests: number;
}

/** The rows of all matrices, by app, in the order of `apps`; apps that no row names are left out. */
export function sharesOf(counts: CountsDocument, apps: readonly string[]): AppShares[] {
  return apps.flatMap((app) => {
    const row = counts.rows.find((candidate) => candidate.cells.some((cell) => cell.app === app));
    if (row === undefined) return [];
    const cells = row.cells.map((cell) => ({
      server: nameOf(cell.server),
      weight: cell.weight,
      asked: cell.askedAvailable,
      delivered: cell.delivered,
      requests: cell.epochRequests,
    }));
    const failures = row.cells.reduce((sum, cell) => sum + cell.failures, 0);
    return [{ app, cells, failures, requests: total(cells), offBy: offBy(cells) }];
  });
}

/** The same shares with counts from elsewhere (the web servers' own): `count(server, app)`. */
export function recount(shares: readonly AppShares[], count: (server: string, app: string) => number): AppShares[] {
  return shares.map((row) => {
    const counted = row.cells.map((cell) => ({ ...cell, requests: count(cell.server, row.app) }));
    const requests = total(counted);
    const cells = counted.map((cell) => ({ ...cell, delivered: requests === 0 ? null : cell.requests / requests }));
    return { ...row, cells, requests, offBy: offBy(cells) };
  });
}

/** What is not exact, one line each; empty: all is. */
export function inexact(shares: readonly AppShares[], witness: string): string[] {
  return shares
    .filter((row) => row.offBy > 1 || row.requests === 0)
    .map((row) =>
      row.requests === 0
        ? `${row.app}: no request was counted (${witness})`
        : `${row.app}: off by ${row.offBy.toFixed(2)} requests of ${row.requests} (${witness}): ` +
          row.cells.map((cell) => `${cell.server} ${cell.requests}, asked ${percent(cell.asked)} %`).join('; '),
    );
}

export function percent(share: number): string {
  return (100 * share).toFixed(2);
}

function total(cells: readonly { readonly requests: number }[]): number {
  return cells.reduce((sum, cell) => sum + cell.requests, 0);
}

function offBy(cells: readonly { readonly requests: number; readonly asked: number }[]): number {
  const all = total(cells);
  return Math.max(0, ...cells.map((cell) => Math.abs(cell.requests - all * cell.asked)));
}

/** `namespace/name` → `name`. */
function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}
