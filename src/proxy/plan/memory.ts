/**
 * What planning needs to know of shared memory. An interface, so that the planner stays pure: it is given the real memory
 * by ../main, and a plain table by its tests.
 */
import { WARM } from '../../model/plan.ts';
import type { CellSums } from './ledger.ts';

export interface PlanMemory {
  readonly capacity: Capacity;
  /** Sums over all workers. */
  readonly readCell: (slot: number) => CellSums;
  readonly reset: (kind: keyof Capacity, slot: number) => void;
  /** No request of any worker is in flight to the endpoint. */
  readonly idle: (endpoint: number) => boolean;
  /** The same of a cell that has, or had, a cap. */
  readonly idleCell: (slot: number) => boolean;
}

export interface Capacity {
  readonly endpoints: number;
  readonly cursors: number;
  readonly cells: number;
  /** Cells that have a cap. */
  readonly caps: number;
  readonly rules: number;
  readonly virtualServers: number;
}

/** What is known of endpoints, by slot. */
export interface Availability {
  /** Its active check failed. */
  readonly checkFailed: (slot: number) => boolean;
  /** Order in which it was ejected (1, 2, …); 0 = it is not. */
  readonly ejected: (slot: number) => number;
  /** 1 … WARM: how far its slow start is, where it has one; slot −1: an endpoint that nobody knows yet. */
  readonly warmth: (slot: number) => number;
}

export const ALL_UP: Availability = { checkFailed: () => false, ejected: () => 0, warmth: () => WARM };
