/** Whether the shares that were delivered are the shares that were asked for. Pure. */
import type { RowCounts } from '../model/counts.ts';
import type { Balance, Snapshot } from '../model/snapshot.ts';

/**
 * What a row's choosers promise: RoundRobin shares of requests, exactly; LeastConnections and PowerOfTwo shares of what is in
 * flight, as soon as that is enough to be shared (in-flight.ts); of the others nothing is claimed but a rough likeness.
 */
export type Promise = 'Exact' | 'InFlight' | 'Rough';

/** Round robin: after every N first choices of an epoch each count is within one request of N x share. */
const EXACT_TOLERANCE = 1;
export const ROUGH_TOLERANCE = 0.1;
/** Below so many requests a share that was left to chance says nothing. */
export const ROUGH_LEAST = 100;

export interface Deviation {
  readonly app: string;
  readonly server: string;
  /** 0 … 1 */
  readonly asked: number;
  readonly delivered: number;
  /** What the shares are of. */
  readonly of: 'Requests' | 'InFlight';
}

/** Null: on target; `requests` 0: nothing was asked of it in this epoch. Otherwise the cell that is furthest off. */
export function deviationOf(
  row: RowCounts,
  promise: Exclude<Promise, 'InFlight'>,
): { requests: number; worst: Deviation | null } {
  const requests = row.cells.reduce((sum, cell) => sum + cell.epochRequests, 0);
  let worst: Deviation | null = null;
  let worstBy = 0;
  for (const cell of row.cells) {
    const off = Math.abs(cell.epochRequests - requests * cell.askedAvailable);
    const within = promise === 'Exact' ? off <= EXACT_TOLERANCE + 1e-6 : isRoughlyRight(off, requests);
    if (within || off <= worstBy) continue;
    worstBy = off;
    worst = {
      app: cell.app ?? '',
      server: cell.server,
      asked: cell.askedAvailable,
      delivered: cell.epochRequests / requests,
      of: 'Requests',
    };
  }
  return { requests, worst };
}

function isRoughlyRight(off: number, requests: number): boolean {
  return requests < ROUGH_LEAST || off / requests <= ROUGH_TOLERANCE;
}

/** For each matrix what its virtual servers promise; where that differs, the shared columns are rough. */
export function promisesOf(snapshot: Snapshot): Map<string, Promise> {
  const promises = new Map<string, Promise>();
  for (const piece of snapshot.pieces) {
    if (piece.kind !== 'VirtualServer') continue;
    for (const { destinations, match } of piece.rules) {
      if (destinations.kind !== 'App') continue;
      const isChosen = piece.scheduler !== 'chttp' && match.hashGroup === 0;
      const promise = isChosen ? OF_BALANCE[piece.balance] : 'Rough';
      const before = promises.get(destinations.matrix) ?? promise;
      promises.set(destinations.matrix, before === promise ? promise : 'Rough');
    }
  }
  return promises;
}

const OF_BALANCE: Readonly<Record<Balance, Promise>> = {
  RoundRobin: 'Exact',
  LeastConnections: 'InFlight',
  PowerOfTwo: 'InFlight',
  PeakEwma: 'Rough',
};
