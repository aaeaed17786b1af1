/**
 * What ended rests for a grace period before its slots are used again: a worker may still hold the plan that named them, and
 * requests that began under it may still count.
 */
import type { Capacity } from './memory.ts';
import type { RowState } from './row-state.ts';
import type { SlotAllocator } from './slots.ts';

export class Resting {
  readonly #options: RestingOptions;
  readonly #batches: { readonly until: number; readonly retired: Retired }[] = [];

  constructor(options: RestingOptions) {
    this.#options = options;
  }

  /** The workers have acknowledged that it is over. */
  add(retired: Retired, now: number): void {
    this.#batches.push({ until: now + this.#options.grace, retired });
  }

  /** Frees what has rested long enough, in small steps. */
  *steps(now: number): Generator<void> {
    for (;;) {
      const batch = this.#batches[0];
      if (batch === undefined || batch.until > now) return;
      const row = batch.retired.rows.pop();
      if (row === undefined) {
        this.#batches.shift();
        this.#freeOthers(batch.retired, now);
      } else this.#freeRow(row);
      yield;
    }
  }

  /** The same at once, up to so many steps. */
  settle(now: number, most: number): void {
    const steps = this.steps(now);
    for (let each = 0; each < most; each++) if (steps.next().done === true) return;
  }

  #freeRow(row: RowState): void {
    const { slots, ended } = this.#options;
    ended(row);
    const { plan } = row;
    slots.cursors.free(plan.cursor);
    slots.cursors.free(plan.retryCursor);
    for (const slot of plan.counters) slots.cells.free(slot);
    for (const slot of plan.cellCursors) slots.cursors.free(slot);
  }

  #freeOthers(retired: Retired, now: number): void {
    const { slots, idle, idleCell } = this.#options;
    for (const slot of retired.rules) slots.rules.free(slot);
    for (const slot of retired.virtualServers) slots.virtualServers.free(slot);
    const busy: number[] = [];
    for (const slot of retired.endpoints) {
      if (idle(slot)) slots.endpoints.free(slot);
      else busy.push(slot);
    }
    const caps: number[] = [];
    for (const slot of retired.caps) {
      if (idleCell(slot)) slots.caps.free(slot);
      else caps.push(slot);
    }
    // Somebody has a request in flight there, perhaps for hours.
    if (busy.length + caps.length > 0) this.add({ ...nothingRetired(), endpoints: busy, caps }, now);
  }
}

export interface RestingOptions {
  /** Milliseconds. */
  readonly grace: number;
  readonly slots: Record<keyof Capacity, SlotAllocator>;
  /** Nothing is in flight to the endpoint. */
  readonly idle: (endpoint: number) => boolean;
  readonly idleCell: (slot: number) => boolean;
  /** Last look at the counters of an epoch that ended. */
  readonly ended: (row: RowState) => void;
}

/** What a change left behind: epochs, and slots of what is gone. */
export interface Retired {
  readonly rows: RowState[];
  readonly rules: number[];
  readonly virtualServers: number[];
  readonly endpoints: number[];
  readonly caps: number[];
}

export const nothingRetired = (): Retired => ({ rows: [], rules: [], virtualServers: [], endpoints: [], caps: [] });
