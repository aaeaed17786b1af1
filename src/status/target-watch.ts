import type { EndpointCounts, RowCounts } from '../model/counts.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { inFlightLook, rowSums, type RowSums } from './in-flight.ts';
import { type Grouped, NO_REQUESTS, type OnTarget, SERVING_REASONS } from './known-conditions.ts';
import { type Deviation, deviationOf, type Promise, promisesOf } from './on-target.ts';

/** Of all proxies, each for itself: none of them is summed. */
export type TargetCounts = Pick<Grouped, 'matrices' | 'endpoints'>;

/** What one look at a matrix saw; `requests` 0: nothing that says anything. */
interface Look {
  readonly requests: number;
  readonly worst: Deviation | null;
  /** Limits decide where requests go, not weights alone. */
  readonly isCapped: boolean;
}

/** Where the time begins in which a row is looked at, and the counts that were seen last: an idle row's are the same objects. */
interface Since {
  readonly rows: readonly RowCounts[];
  readonly sums: RowSums;
}

/**
 * OnTarget per matrix over time. The counts of several workers are read one after another while they grow, so that a
 * single look may be off by what was counted in between; what two looks see is off.
 */
export class TargetWatch {
  readonly #off = new Map<string, number>();
  readonly #state = new Map<string, OnTarget>();
  /** Of rows that are judged by what is in flight. */
  #since = new Map<string, Since>();

  look(snapshot: Snapshot, counts: TargetCounts): ReadonlyMap<string, OnTarget> {
    const promises = promisesOf(snapshot);
    const seen = new Set<string>();
    const since = this.#since;
    this.#since = new Map();
    for (const { kind, key } of snapshot.pieces) {
      if (kind !== 'Matrix') continue;
      seen.add(key);
      this.#note(
        key,
        this.#looked(counts.matrices.get(key) ?? [], promises.get(key) ?? 'Rough', { snapshot, counts, since }),
      );
    }
    for (const key of this.#state.keys()) if (!seen.has(key)) this.#state.delete(key);
    return this.#state;
  }

  #looked(
    rows: readonly RowCounts[],
    promise: Promise,
    { snapshot, counts, since }: { snapshot: Snapshot; counts: TargetCounts; since: ReadonlyMap<string, Since> },
  ): Look {
    if (promise !== 'InFlight') {
      const look = together(rows.map((row) => deviationOf(row, promise)));
      return { ...look, isCapped: look.worst !== null && rows.some(isHeldByCap) };
    }
    const looks = [...Map.groupBy(rows, ({ id }) => id)].flatMap(([id, same]) => {
      const before = since.get(id);
      if (
        before !== undefined &&
        before.rows.length === same.length &&
        same.every((row, at) => row === before.rows[at])
      ) {
        this.#since.set(id, before);
        return [];
      }
      const now = rowSums(same);
      const look = before === undefined ? 'Anew' : inFlightLook(before.sums, now);
      this.#since.set(id, { rows: same, sums: look === 'TooFew' ? before!.sums : now });
      return typeof look === 'string' ? [] : [look];
    });
    const { requests, worst } = together(looks);
    const isCapped = worst !== null && (looks.some(({ shed }) => shed > 0) || isAtLimit(rows, snapshot, counts));
    return { requests, worst, isCapped };
  }

  #note(key: string, { requests, worst, isCapped }: Look): void {
    // Nothing asked in a new epoch: it is as it was.
    if (requests === 0) {
      if (!this.#state.has(key)) this.#state.set(key, NO_REQUESTS);
      return;
    }
    const times = worst === null ? 0 : (this.#off.get(key) ?? 0) + 1;
    this.#off.set(key, times);
    if (worst === null) {
      this.#state.set(key, DELIVERED);
    } else if (isCapped) {
      this.#state.set(key, LIMITS_BIND);
    } else if (times >= 2) {
      this.#state.set(key, { status: 'False', reason: 'SharesDeviate', message: textOf(worst) });
    }
  }
}

const DELIVERED: OnTarget = { status: 'True', reason: 'SharesDelivered', message: 'Every cell got its share' };
/** A cell that has a cap got less than it was asked for: the others have more for it. */
const isHeldByCap = ({ cells }: RowCounts): boolean =>
  cells.some(({ cap, delivered, askedAvailable }) => cap !== undefined && (delivered ?? 0) < askedAvailable);

const LIMITS_BIND: OnTarget = { status: 'Unknown', reason: 'LimitsBind', message: SERVING_REASONS.LimitsBind };

function textOf({ app, server, asked, delivered, of }: Deviation): string {
  const what = of === 'InFlight' ? ' of what is in flight' : '';
  return `${app} at ${server}: asked ${asked.toFixed(3)}, delivered ${delivered.toFixed(3)}${what}`;
}

function together(looks: readonly Omit<Look, 'isCapped'>[]): Omit<Look, 'isCapped'> {
  return {
    requests: looks.reduce((sum, look) => sum + look.requests, 0),
    worst: looks.find((look) => look.worst !== null)?.worst ?? null,
  };
}

/** Is a server of the rows as busy as it may be? Of a limit that is found by measuring nobody here knows where it is. */
function isAtLimit(rows: readonly RowCounts[], snapshot: Snapshot, { endpoints }: TargetCounts): boolean {
  const servers = new Set(rows.flatMap(({ cells }) => cells.map(({ server }) => server)));
  return snapshot.pieces.some((piece) => {
    if (piece.kind !== 'RealServer' || !servers.has(piece.key)) return false;
    const { isAdaptive, maxConnections } = piece;
    const isFull = ({ active }: EndpointCounts) => maxConnections > 0 && active >= maxConnections;
    return isAdaptive || (endpoints.get(piece.key) ?? []).some(isFull);
  });
}
