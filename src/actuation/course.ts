/** A plan that is being carried out. */
import type { Seen } from '../model/workloads.ts';
import type { Result } from '../placement/result.ts';

/** Requests per second by column and host. */
export type Loads = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface PlannedChange {
  readonly op: 'start' | 'stop';
  readonly host: string;
  readonly workload: string;
  /** For people. */
  readonly reason: string;
  /** Once a start is ready, or before a stop. */
  readonly loads: Loads;
}

export interface Course {
  /** Not done yet, in order. */
  readonly changes: readonly PlannedChange[];
  /** How far the first of them is. */
  readonly stage: 'Due' | 'Starting' | 'Quiescing' | 'Stopping' | 'Scaling';
  /** When that stage began. */
  readonly since: number;
  /** When the plan was made. */
  readonly began: number;
  /** By workload, the number of instances that it is to have at this stage. */
  readonly replicas: Readonly<Record<string, number>>;
  /** By workload, its columns. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
  /** What is expected of it, for people. */
  readonly gain: string;
}

export type Write =
  | {
      readonly kind: 'Scale';
      readonly workload: string;
      /** Nothing is written where it is another number by now. */
      readonly from: number;
      readonly to: number;
    }
  | {
      readonly kind: 'Cost';
      readonly workload: string;
      readonly pod: string;
      readonly from: number | null;
      readonly to: number | null;
    }
  | {
      readonly kind: 'Open';
      readonly workload: string;
      readonly pod: string;
      /** Row whose node is preferred; null: whichever the scheduler takes. */
      readonly host: string | null;
      readonly why: string;
    };

/** In order; each is about the weights that the one before has left. */
export type WeightEdit =
  | { readonly kind: 'Loads'; readonly loads: Loads }
  /** `Mean`: as much as the app's other cells have. */
  | {
      readonly kind: 'Cell';
      readonly host: string;
      readonly columns: readonly string[];
      readonly weight: 0 | 1 | 'Mean';
    };

export interface News {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'Starting' | 'Started' | 'Stopping' | 'Stopped' | 'PlanDropped' | 'GateOpened';
  readonly note: string;
}

export interface Advance {
  /** Null: it is done, or given up. */
  readonly course: Course | null;
  readonly writes: readonly Write[];
  readonly weights: readonly WeightEdit[];
  readonly news: readonly News[];
}

/** @param gain what is expected of it, for people */
export function courseOf(
  { changes, before }: Pick<Result, 'changes' | 'before'>,
  columns: Course['columns'],
  seen: Seen,
  gain: string,
): Course {
  let loads = withRates(new Map(), before);
  const planned = changes.map(({ op, host, workload, reason, shift }): PlannedChange => {
    loads = withRates(loads, shift);
    return { op, host, workload, reason, loads };
  });
  const replicas = Object.fromEntries([...seen.workloads].map(([name, each]) => [name, each.replicas]));
  return { changes: planned, stage: 'Due', since: seen.now, began: seen.now, replicas, columns, gain };
}

function withRates(loads: Loads, rates: Result['before']): Loads {
  const next = new Map(loads);
  const own = new Set<string>();
  for (const { host, column, rate } of rates) {
    const cells = own.has(column) ? (next.get(column) as Map<string, number>) : new Map(next.get(column));
    own.add(column);
    next.set(column, cells.set(host, rate));
  }
  return next;
}
