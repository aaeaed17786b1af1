/** What the placement manager found for matrices whose weights are computed, and what it did. */
import type { Cell } from './matrix-rows.ts';
import type { ObjectKey } from './snapshot.ts';
import type { WhyNot } from './workloads.ts';

export interface MatrixPlacement {
  readonly matrix: ObjectKey;
  /** When the last cycle was: seconds since 1970; null: there was none yet. */
  readonly at: number | null;
  /** Computed weights that rule; null: those of the object do. */
  readonly rows: readonly PlacedRow[] | null;
  /** Null: nothing could be computed. */
  readonly recommended: {
    readonly rows: readonly PlacedRow[];
    readonly expected: Outlook;
    /** Of the weights that ruled when this was computed. */
    readonly present: Outlook;
  } | null;
  /** Why these weights, and why they rule or do not: for people. */
  readonly reason: string;
  /** Starts and stops of instances that are recommended, or under way, in order. */
  readonly changes: readonly PlacedChange[];
  /** What was done about instances since start; null: they are not managed here. */
  readonly instances: InstanceCounts | null;
  /** Why instances are not managed although it is asked for; null: they are, or it is not. */
  readonly stalled: WhyNot | null;
  /** Cycles in a row that came as predicted, up to ten. */
  readonly proven: number;
  /** Changes of weights since start, and those that were taken back. */
  readonly moves: number;
  readonly returns: number;
}

export interface InstanceCounts {
  readonly starts: number;
  readonly stops: number;
  /** Plans that were given up on the way. */
  readonly dropped: number;
}

export interface PlacedChange {
  readonly op: 'Start' | 'Stop';
  readonly app: string;
  readonly server: string;
  readonly reason: string;
}

export interface PlacedRow {
  readonly server: string;
  readonly weights: readonly Cell[];
  /** In force since: RFC 3339. */
  readonly since?: string;
}

/** What weights do with the demand. */
export interface Outlook {
  /** Of the fullest host: 1 where it is asked for all that it has, more where it is asked for more. */
  readonly utilization: number;
  readonly fullest: string;
  /** Part of the demand that is served, by worth. */
  readonly satisfied: number;
}
