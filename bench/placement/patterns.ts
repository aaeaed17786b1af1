/** How a cluster's demands and hosts change from cycle to cycle (placement.md 6). */
import type { Random } from '../../src/placement/random.ts';
import type { Document } from './instances.ts';

export const PATTERNS = [
  'vary-all',
  'vary-two',
  'reset-all',
  'add-remove',
  'host-failure',
  'drain',
  'flash-crowd',
  'diurnal',
] as const;
export type Pattern = (typeof PATTERNS)[number];

/** Cycles of a run; the first, from nothing, is not counted. */
export const CYCLES = 11;

/** The demands and hosts of one cycle, made of those of the run's beginning and of the cycle before. */
export function cycleOf(base: Document, before: Document, pattern: Pattern, cycle: number, random: Random): Document {
  const next = structuredClone({ ...before, hosts: base.hosts });
  const { columns } = next;
  const rates = (): number => columns.reduce((sum, { rate, cost }) => sum + rate * cost['cpu']!, 0);
  const total = base.columns.reduce((sum, { rate, cost }) => sum + rate * cost['cpu']!, 0);
  const pick = (): number => Math.floor(random() * columns.length);
  switch (pattern) {
    case 'vary-all':
      for (const column of columns) column.rate *= 0.8 + 0.4 * random();
      break;
    case 'vary-two':
      for (const at of [pick(), pick()]) columns[at]!.rate *= 2 * random();
      break;
    case 'reset-all': {
      const order = columns.map((_, at) => base.columns[at]!.rate).toSorted(() => random() - 0.5);
      for (const [at, column] of columns.entries()) column.rate = order[at]!;
      break;
    }
    case 'add-remove':
      // An app that leaves has no demand; one that comes has a demand as large as another had at first.
      for (const column of columns) {
        if (random() < 0.04) column.rate = column.rate === 0 ? base.columns[pick()]!.rate : 0;
      }
      break;
    case 'host-failure':
      for (const host of next.hosts) if (random() < 0.02) gone(host);
      return next;
    case 'drain': {
      const size = Math.ceil(next.hosts.length / 25);
      for (let at = 0; at < size; at++) gone(next.hosts[(cycle * size + at) % next.hosts.length]!);
      return next;
    }
    case 'flash-crowd':
      for (const [at, column] of columns.entries()) column.rate = base.columns[at]!.rate;
      columns[pick()]!.rate *= 5;
      return next;
    case 'diurnal':
      for (const [at, column] of columns.entries()) {
        column.rate =
          base.columns[at]!.rate * (1 + 0.4 * Math.sin((2 * Math.PI * (cycle + ((7 * at) % CYCLES))) / CYCLES));
      }
      break;
    default:
      pattern satisfies never;
  }
  const scale = total / rates();
  for (const column of columns) column.rate *= scale;
  return next;
}

function gone(host: Document['hosts'][number]): void {
  host.memory = 0;
  for (const resource of Object.keys(host.capacity)) host.capacity[resource] = 0;
}
