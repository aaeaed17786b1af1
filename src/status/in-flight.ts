/**
 * Whether what is in flight is shared as the weights ask, between two looks. Pure.
 *
 * A chooser of the least loaded gives an idle row requests by weight, and one in which all are busy requests in flight by
 * weight: then a server that is twice as fast has twice as many requests, and rightly so. In between it is something between
 * the two; so a cell is off where its share lies beyond both.
 */
import type { RowCounts } from '../model/counts.ts';
import { type Deviation, ROUGH_LEAST, ROUGH_TOLERANCE } from './on-target.ts';

interface CellSums {
  readonly app: string;
  /** Share, over what is available: 0 … 1; the mean of the proxies' own. */
  readonly asked: number;
  readonly requests: number;
  /** Seconds that answered requests took: over a time, as a share, that of the mean numbers in flight. */
  readonly seconds: number;
  readonly shed: number;
}

/** Of one row, since the proxies' starts, by server. */
export type RowSums = ReadonlyMap<string, CellSums>;

/** @param rows of the same id, one for each proxy */
export function rowSums(rows: readonly RowCounts[]): RowSums {
  const sums = new Map<string, CellSums>();
  for (const { cells } of rows) {
    for (const { server, app, askedAvailable, requests, work } of cells) {
      const before = sums.get(server) ?? { asked: 0, requests: 0, seconds: 0, shed: 0 };
      sums.set(server, {
        app: app ?? '',
        asked: before.asked + askedAvailable / rows.length,
        requests: before.requests + requests,
        seconds: before.seconds + (work?.seconds ?? 0),
        shed: before.shed + (work?.shed ?? 0),
      });
    }
  }
  return sums;
}

export interface InFlightLook {
  readonly requests: number;
  /** Requests that found every server at its limit. */
  readonly shed: number;
  /** The cell that is furthest off; null: none is. */
  readonly worst: Deviation | null;
}

/** `TooFew` requests have come since; `Anew`: what was asked has changed, or a proxy came or went, so that time begins now. */
export function inFlightLook(before: RowSums, after: RowSums): InFlightLook | 'TooFew' | 'Anew' {
  const changes = [...after].map(([server, now]) => {
    const then = before.get(server);
    return {
      server,
      app: now.app,
      asked: now.asked,
      requests: now.requests - (then?.requests ?? 0),
      seconds: now.seconds - (then?.seconds ?? 0),
      shed: now.shed - (then?.shed ?? 0),
      isNew: then === undefined || Math.abs(then.asked - now.asked) > 1e-9,
    };
  });
  if (changes.some(({ requests, seconds, shed, isNew }) => isNew || requests < 0 || seconds < 0 || shed < 0))
    return 'Anew';
  const sum = (of: (each: (typeof changes)[number]) => number) => changes.reduce((total, each) => total + of(each), 0);
  const [requests, seconds] = [sum((each) => each.requests), sum((each) => each.seconds)];
  if (requests < ROUGH_LEAST || seconds <= 0) return 'TooFew';
  let [worst, worstBy]: [Deviation | null, number] = [null, ROUGH_TOLERANCE];
  for (const { app, server, asked, ...each } of changes) {
    const [byRequests, inFlight] = [each.requests / requests, each.seconds / seconds];
    const off = Math.max(asked - Math.max(byRequests, inFlight), Math.min(byRequests, inFlight) - asked);
    if (off <= worstBy) continue;
    worstBy = off;
    worst = { app, server, asked, delivered: inFlight, of: 'InFlight' };
  }
  return { requests, shed: sum((each) => each.shed), worst };
}
