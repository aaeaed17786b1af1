/** The proxy of a simulation: which instance a request goes to, how many it may have, and who waits for one. */
import type { DispatchState, RowPlan } from '../model/plan.ts';
import { type Chooser, NOTHING } from '../scheduler/chooser.ts';
import { observeLatency } from '../scheduler/latency.ts';
import { Fifo } from './fifo.ts';
import { dispatchState, rowPlan } from './row-plan.ts';

export interface Cell {
  readonly host: number;
  readonly column: number;
  /** 0…65535 */
  readonly weight: number;
  /** Most requests in flight; Infinity: no cap. */
  readonly cap: number;
}

/** A policy: by what requests are dispatched. */
export interface Dispatching {
  /** A cell's index is its slot. */
  readonly cells: readonly Cell[];
  readonly chooser: MakeChooser;
  /**
   * Most requests in flight per host; null: no such cap. With it, a cell may go above its own cap as long as its host has room;
   * what becomes free goes to cells below theirs first.
   */
  readonly hostCaps: ArrayLike<number> | null;
  /** A cell below its own cap takes requests even where its host is full: its cap is a share that others cannot take. */
  readonly guaranteed?: boolean;
  /**
   * Where no instance takes a request: null: it is refused; else it waits, and is shed as soon as its client has fewer seconds
   * of patience left than this, per column. `followed`: what answers take, as the queue of a proxy follows it.
   */
  readonly reserve: ArrayLike<number> | 'followed' | null;
}

export type MakeChooser = (row: RowPlan, state: DispatchState, senses: Senses) => FeedbackChooser;

/** What choosers may know besides. */
export interface Senses {
  readonly random: () => number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Requests that the instance of a slot has, those that their clients gave up included: what a probe would answer. */
  readonly present: (slot: number) => number;
}

export interface FeedbackChooser extends Chooser {
  /** The endpoint of an index answered after so many seconds; it had so many others when the request came. */
  answered?(index: number, seconds: number, others: number): void;
}

/** What the dispatcher asks of the run. */
export interface Requests {
  /** Whether a request still waits; one for which it is too late is shed by the question. */
  keeps(request: number): boolean;
  readonly time: ArrayLike<number>;
}

export class Dispatcher {
  readonly state: DispatchState;
  readonly cells: readonly Cell[];
  /** Per column. */
  readonly waiting: readonly Fifo[];
  /** Over all columns, those that left or were shed included as long as nobody looked. */
  waitingCount = 0;

  readonly #choosers: readonly (FeedbackChooser | null)[];
  readonly #slots: readonly (readonly number[])[];
  readonly #index: Int32Array;
  readonly #hostCaps: ArrayLike<number> | null;
  readonly #reserve: ArrayLike<number> | null;
  readonly #onHost: readonly (readonly number[])[];
  readonly #hostInflight: Int32Array;
  readonly #isGuaranteed: boolean;
  readonly #requests: Requests;

  constructor(
    { cells, chooser, hostCaps, guaranteed = false }: Dispatching,
    reserve: ArrayLike<number> | null,
    counts: { readonly hosts: number; readonly columns: number },
    senses: Senses,
    requests: Requests,
  ) {
    this.cells = cells;
    this.#requests = requests;
    this.#hostCaps = hostCaps;
    this.#reserve = reserve;
    this.#isGuaranteed = guaranteed && hostCaps !== null;
    this.state = dispatchState(cells.length, cells.length + 2 * counts.columns);
    this.waiting = Array.from({ length: counts.columns }, () => new Fifo());
    this.#slots = groups(cells, counts.columns, ({ column }) => column);
    this.#onHost = groups(cells, counts.hosts, ({ host }) => host);
    this.#hostInflight = new Int32Array(counts.hosts);
    this.#index = new Int32Array(cells.length);
    let cursor = 0;
    this.#choosers = this.#slots.map((slots, column) => {
      for (const [index, slot] of slots.entries()) this.#index[slot] = index;
      if (slots.length === 0) return null;
      const own = slots.map((slot) => {
        const { weight, cap } = cells[slot]!;
        return { slot, weight, cap: hostCaps === null ? cap : Infinity };
      });
      const row = rowPlan(`column ${column}`, own, cursor);
      cursor += own.length + 2;
      return chooser(row, this.state, senses);
    });
  }

  /** A slot, -1 where none takes the request, or others wait for one already. */
  choose(column: number): number {
    if (this.#hasWaiting(column)) return NOTHING;
    const index = this.#choosers[column]?.choose() ?? NOTHING;
    return index === NOTHING ? NOTHING : this.#slots[column]![index]!;
  }

  /** Whether the column has somewhere to go at all, be it full now. */
  mayEver(column: number): boolean {
    return this.#slots[column]!.some((slot) => {
      const { host, weight, cap } = this.cells[slot]!;
      return weight > 0 && (this.#hostCaps === null ? cap > 0 : this.#hostCaps[host]! > 0);
    });
  }

  sent(slot: number): void {
    const { host } = this.cells[slot]!;
    this.state.inflight[slot]!++;
    const isFull = ++this.#hostInflight[host]! === this.#hostCaps?.[host];
    if (this.#isGuaranteed) this.#setDownGuaranteed(host);
    else if (isFull) this.#setDown(host, 1);
  }

  /** A request is not in flight any more: it was answered, or its client has left. */
  over(slot: number): void {
    const { host } = this.cells[slot]!;
    this.state.inflight[slot]!--;
    const wasFull = this.#hostInflight[host]!-- === this.#hostCaps?.[host];
    if (this.#isGuaranteed) this.#setDownGuaranteed(host);
    else if (wasFull) this.#setDown(host, 0);
  }

  answered(slot: number, seconds: number, nowMs: number, others: number): void {
    observeLatency(this.state, slot, seconds * 1e6, nowMs);
    this.#choosers[this.cells[slot]!.column]!.answered?.(this.#index[slot]!, seconds, others);
  }

  wait(column: number, request: number): void {
    this.waiting[column]!.push(request);
    this.waitingCount++;
  }

  /** Where on the host of a slot that has become free somebody waits who may go there now: a slot, or -1. */
  nextAfter(slot: number): number {
    if (this.waitingCount === 0) return NOTHING;
    const { host, column, cap } = this.cells[slot]!;
    if (this.#hostCaps === null) {
      return this.state.inflight[slot]! < cap && this.#hasWaiting(column) ? slot : NOTHING;
    }
    const hasRoom = this.#hasRoom(host);
    return hasRoom || this.#isGuaranteed ? this.#mostUrgent(host, hasRoom) : NOTHING;
  }

  /** Takes the one who has waited longest for a column; there must be one. */
  takeWaiting(column: number): number {
    this.waitingCount--;
    return this.waiting[column]!.shift();
  }

  #hasRoom(host: number): boolean {
    return this.#hostInflight[host]! < this.#hostCaps![host]!;
  }

  /** Cells below their own caps first; then, where there is room, whoever must begin soonest to be answered in time. */
  #mostUrgent(host: number, hasRoom: boolean): number {
    let best = NOTHING;
    let bestBelow = false;
    let least = Infinity;
    for (const slot of this.#onHost[host]!) {
      const { column, cap, weight } = this.cells[slot]!;
      if (weight === 0 || !this.#hasWaiting(column)) continue;
      const below = this.state.inflight[slot]! < cap;
      if (!below && !hasRoom) continue;
      const at = this.#requests.time[this.waiting[column]!.head]! - this.#reserve![column]!;
      if (below === bestBelow ? at < least : below) [best, bestBelow, least] = [slot, below, at];
    }
    return best;
  }

  #hasWaiting(column: number): boolean {
    const queue = this.waiting[column]!;
    while (queue.size > 0) {
      if (this.#requests.keeps(queue.head)) return true;
      queue.shift();
      this.waitingCount--;
    }
    return false;
  }

  #setDown(host: number, down: 0 | 1): void {
    for (const slot of this.#onHost[host]!) this.state.down[slot] = down;
  }

  #setDownGuaranteed(host: number): void {
    const hasRoom = this.#hasRoom(host);
    for (const slot of this.#onHost[host]!) {
      this.state.down[slot] = hasRoom || this.state.inflight[slot]! < this.cells[slot]!.cap ? 0 : 1;
    }
  }
}

function groups(cells: readonly Cell[], count: number, of: (cell: Cell) => number): number[][] {
  const lists: number[][] = Array.from({ length: count }, () => []);
  for (const [slot, cell] of cells.entries()) lists[of(cell)]!.push(slot);
  return lists;
}
