/** How many requests cells and hosts may have at once, by each policy's rule. */
import { capOf } from '../../../src/placement/weights.ts';
import type { Cell } from '../../../src/simulation/dispatcher.ts';
import type { Document } from '../instances.ts';
import type { Placement } from './placements.ts';
import type { QueueName } from './policies.ts';
import { bestConcurrency, demandOf, kappaOf, responseSeconds, secondsAt, type Work } from './profile.ts';
import { TIMEOUT } from './scenarios.ts';

export interface Caps {
  readonly cells: readonly Cell[];
  readonly hostCaps: readonly number[] | null;
  /** As `Dispatching.guaranteed`. */
  readonly guaranteed?: boolean;
  /** As `Dispatching.reserve`. */
  readonly reserve: readonly number[] | 'followed' | null;
}

/** One number for all: of every cell, or of every host. */
export type FixedCap = { readonly of: 'cell' | 'host'; readonly most: number };

export const FIXED_CAPS: readonly FixedCap[] = [
  ...[2, 4, 8].map((most) => ({ of: 'cell', most }) as const),
  ...[3, 4, 6, 8, 12].map((most) => ({ of: 'host', most }) as const),
];

export function uncapped(placement: Placement): Caps {
  return { cells: cellsOf(placement, () => Infinity), hostCaps: null, reserve: null };
}

export function fixedCaps(reference: Document, placement: Placement, cap: FixedCap): Caps {
  const cells = cellsOf(placement, () => (cap.of === 'cell' ? cap.most : Infinity));
  const hosts = reference.hosts.map((_, host) =>
    cap.of === 'host' ? cap.most : cap.most * cells.filter((cell) => cell.host === host).length,
  );
  return {
    cells,
    hostCaps: cap.of === 'host' ? hosts : null,
    reserve: reserveOf(reference, placement, hosts),
  };
}

/**
 * The plan's: of a host what keeps it busy; of a cell N by Little's law with room for chance (placement.md, weights and caps),
 * where the host is full.
 */
export function plannedCaps(reference: Document, placement: Placement): Caps {
  const used = usedBy(reference, placement);
  const hostCaps = reference.hosts.map(({ capacity }, host) => {
    const work = mixtureOn(reference, placement, host);
    return work === null ? 1 : bestConcurrency(capacity, work, kappaOf(reference));
  });
  const cells = cellsOf(placement, ({ host, column, rate }) => {
    const seconds = responseSeconds(reference.columns[column]!.cost, reference.hosts[host]!.capacity, used[host]!);
    return capOf(rate, seconds, 0, hostCaps[host]!)!;
  });
  return { cells, hostCaps, reserve: reserveOf(reference, placement, hostCaps) };
}

/**
 * A cell's cap is its part of what the host is planned with, by the work that is planned for it, rounded up: so much it may always
 * have, and more as long as the host is not full. Who is asked for too much waits for its own share, and no one else does.
 */
export function sharedCaps(reference: Document, placement: Placement): Caps {
  const { hostCaps, reserve } = plannedCaps(reference, placement);
  const workOf = ({ column, rate }: Placement['cells'][number]): number => {
    const { cost } = reference.columns[column]!;
    return rate * ((cost['cpu'] ?? 0) + (cost['io'] ?? 0));
  };
  const work = reference.hosts.map(() => 0);
  for (const cell of placement.cells) work[cell.host]! += workOf(cell);
  const cells = cellsOf(placement, (cell) => {
    const whole = work[cell.host]!;
    return Math.max(1, Math.ceil(whole > 0 ? (hostCaps![cell.host]! * workOf(cell)) / whole : 1));
  });
  return { cells, hostCaps, guaranteed: true, reserve };
}

const QUEUE_SECONDS = 4;

/** With another rule for when who waits is given up. */
export function queued(caps: Caps, queue: QueueName): Caps {
  if (caps.reserve === null || queue === 'planned') return caps;
  if (queue === 'followed') return { ...caps, reserve: 'followed' };
  return { ...caps, reserve: Array.from({ length: caps.reserve.length }, () => TIMEOUT - QUEUE_SECONDS) };
}

function cellsOf({ cells }: Placement, cap: (cell: Placement['cells'][number]) => number): Cell[] {
  return cells.map((cell) => ({ host: cell.host, column: cell.column, weight: cell.weight, cap: cap(cell) }));
}

/** Of an exponential time, 99 of 100 are below so many times the mean. */
const SURE = 4.6;
const MOST_RESERVE = 0.8 * TIMEOUT;

/**
 * Whoever has less time left than a request is likely to take on a host that is full need not be sent any more: the same queue for
 * all caps.
 */
function reserveOf(reference: Document, placement: Placement, hostCaps: readonly number[]): number[] {
  return reference.columns.map(({ cost }, column) => {
    const own = placement.cells.filter((cell) => cell.column === column);
    const times = own.map(({ host }) => {
      const mixture = mixtureOn(reference, placement, host)!;
      const share = ((cost['cpu'] ?? 0) + (cost['io'] ?? 0)) / (mixture.cpu + mixture.io);
      return share * secondsAt(reference.hosts[host]!.capacity, mixture, kappaOf(reference), hostCaps[host]!);
    });
    const mean = own.length === 0 ? 0 : times.reduce((a, b) => a + b, 0) / times.length;
    return Math.min(MOST_RESERVE, SURE * mean);
  });
}

/** null: nothing is planned there. */
function mixtureOn(reference: Document, { cells }: Placement, host: number): Work | null {
  const own = cells.filter((cell) => cell.host === host);
  if (own.length === 0) return null;
  // A host that only keeps something warm: of all that is there the same.
  const idle = own.every(({ rate }) => rate === 0);
  return demandOf(own.map(({ column, rate }) => ({ rate: idle ? 1 : rate, cost: reference.columns[column]!.cost })));
}

/** Utilisation per host as planned. */
function usedBy(reference: Document, { cells }: Placement): Work[] {
  return reference.hosts.map(({ capacity }, host) => {
    const part = (resource: string): number =>
      cells
        .filter((cell) => cell.host === host)
        .reduce((sum, { column, rate }) => sum + rate * (reference.columns[column]!.cost[resource] ?? 0), 0) /
      capacity[resource]!;
    return { cpu: part('cpu'), io: part('io') };
  });
}
