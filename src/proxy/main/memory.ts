/** Shared memory as the main thread uses it: reads sums over the workers, resets slots, clears up after a lost worker. */
import { type AnswerTimes, TIMES } from '../../model/answer-times.ts';
import { LEVELS } from '../../model/levels.ts';
import type { CellSums } from '../plan/ledger.ts';
import type { Capacity, PlanMemory } from '../plan/memory.ts';
import {
  CELL,
  CELL_COUNTERS,
  DURATION_BUCKETS,
  GLOBAL,
  MAX_CAPS,
  MAX_CELLS,
  MAX_CURSORS,
  MAX_ENDPOINTS,
  MAX_MEASURED,
  MAX_RULES,
  MAX_VIRTUAL_SERVERS,
  RULE_COUNTERS,
  SharedState,
  WorkerCounters,
  type AdaptiveState,
  type SharedBuffers,
} from '../shared.ts';

const NO_TIMES: AnswerTimes = [];

export class MainMemory implements PlanMemory {
  readonly capacity: Capacity = {
    endpoints: MAX_ENDPOINTS,
    cursors: MAX_CURSORS,
    cells: MAX_CELLS,
    caps: MAX_CAPS,
    rules: MAX_RULES,
    virtualServers: MAX_VIRTUAL_SERVERS,
  };
  readonly state: SharedState;
  readonly counters: readonly WorkerCounters[];
  readonly #inflight: readonly Int32Array[];
  readonly #pending: readonly Int32Array[];
  readonly #cellInflight: readonly Int32Array[];

  constructor(buffers: SharedBuffers, workers: number) {
    this.state = new SharedState(buffers);
    const indices = Array.from({ length: workers }, (_, index) => index);
    this.counters = indices.map((index) => new WorkerCounters(buffers, index));
    this.#inflight = indices.map((index) => this.state.inflightOf(index));
    this.#pending = indices.map((index) => this.state.pendingOf(index));
    this.#cellInflight = indices.map((index) => this.state.cellInflightOf(index));
  }

  readonly readCell = (slot: number): CellSums => {
    const at = slot * CELL_COUNTERS;
    const sums = { first: 0, retries: 0, sticky: 0, failures: 0, answered: 0, seconds: 0, timeouts: 0, shed: 0 };
    for (const { cells } of this.counters) {
      sums.first += cells[at + CELL.first]!;
      sums.retries += cells[at + CELL.retries]!;
      sums.sticky += cells[at + CELL.sticky]!;
      sums.failures += cells[at + CELL.failures]!;
      sums.answered += cells[at + CELL.answered]!;
      sums.seconds += cells[at + CELL.seconds]!;
      sums.timeouts += cells[at + CELL.timeouts]!;
      sums.shed += cells[at + CELL.shed]!;
    }
    return {
      first: whole(sums.first),
      retries: whole(sums.retries),
      sticky: whole(sums.sticky),
      failures: whole(sums.failures),
      answered: whole(sums.answered),
      seconds: sums.seconds,
      timeouts: whole(sums.timeouts),
      shed: whole(sums.shed),
      times: sums.answered > 0 ? this.#times(slot) : NO_TIMES,
    };
  };

  #times(slot: number): AnswerTimes {
    const from = slot * TIMES;
    const sums: number[] = [];
    for (let at = 0; at < TIMES; at++) {
      let sum = 0;
      for (const { times } of this.counters) sum += times[from + at]!;
      if (sum === 0) continue;
      while (sums.length < at) sums.push(0);
      sums.push(sum);
    }
    // One that is pushed to has room for many, and there are thousands.
    return sums.slice();
  }

  /** All counters of a cell as one sum: another one as soon as anything is counted. */
  cellTotal(slot: number): number {
    const at = slot * CELL_COUNTERS;
    let total = 0;
    for (const { cells } of this.counters) for (let i = at; i < at + CELL_COUNTERS; i++) total += cells[i]!;
    return total;
  }

  readonly idle = (endpoint: number): boolean =>
    Atomics.load(this.state.inflight, endpoint) === 0 && this.#inflight.every((counts) => counts[endpoint] === 0);

  /** At a cell that has a cap. */
  inFlightAt(slot: number): number {
    return Math.max(0, Atomics.load(this.state.cellInflight, slot));
  }

  /** Requests in flight at an endpoint. */
  inFlightOf(slot: number): number {
    return Math.max(0, Atomics.load(this.state.inflight, slot));
  }

  /** Requests that were answered by an endpoint of a slot below MAX_MEASURED since it got it; passes 2^32. */
  answersOf(slot: number): number {
    const [from, to] = [slot * LEVELS, (slot + 1) * LEVELS];
    let sum = 0;
    for (const { levelAnswers } of this.counters) for (let at = from; at < to; at++) sum += levelAnswers[at]!;
    return sum;
  }

  readonly idleCell = (slot: number): boolean =>
    Atomics.load(this.state.cellInflight, slot) === 0 && this.#cellInflight.every((counts) => counts[slot] === 0);

  readonly reset = (kind: keyof Capacity, slot: number): void => {
    switch (kind) {
      case 'endpoints':
        Atomics.store(this.state.inflight, slot, 0);
        Atomics.store(this.state.pending, slot, 0);
        Atomics.store(this.state.down, slot, 0);
        this.state.latency[slot] = 0;
        this.state.latencyAt[slot] = 0;
        forget(this.state.adaptive, slot);
        if (slot < MAX_MEASURED) this.#forgetLevels(slot);
        break;
      case 'cursors':
        Atomics.store(this.state.cursors, slot, 0);
        break;
      case 'cells':
        for (const { cells, times } of this.counters) {
          // memory that was never written to is not there: thousands of cells answer nothing
          const isUsed = cells[slot * CELL_COUNTERS + CELL.answered] !== 0;
          if (isUsed) times.fill(0, slot * TIMES, (slot + 1) * TIMES);
          cells.fill(0, slot * CELL_COUNTERS, (slot + 1) * CELL_COUNTERS);
        }
        break;
      case 'caps':
        Atomics.store(this.state.cellInflight, slot, 0);
        break;
      case 'rules':
        Atomics.store(this.state.ruleDue, slot, 0n);
        for (const { rules } of this.counters) rules.fill(0, slot * RULE_COUNTERS, (slot + 1) * RULE_COUNTERS);
        break;
      case 'virtualServers':
        Atomics.store(this.state.virtualServerDue, slot, 0n);
        for (const { durations } of this.counters) {
          durations.fill(0, slot * DURATION_BUCKETS, (slot + 1) * DURATION_BUCKETS);
        }
        break;
    }
  };

  /** A worker is gone: what it had in flight is over, its gauges are 0. Only after its thread has ended. */
  forgetWorker(index: number): void {
    takeOff(this.state.inflight, this.#inflight[index]!);
    takeOff(this.state.pending, this.#pending[index]!);
    takeOff(this.state.cellInflight, this.#cellInflight[index]!);
    const { global } = this.counters[index]!;
    global[GLOBAL.connectionsActive] = 0;
    global[GLOBAL.waiting] = 0;
    global[GLOBAL.upstreamActive] = 0;
    global[GLOBAL.late] = 0;
  }

  #forgetLevels(slot: number): void {
    Atomics.store(this.state.levelSince, slot, 0);
    const [from, to] = [slot * LEVELS, (slot + 1) * LEVELS];
    for (const { levelTimes, levelAnswers } of this.counters) {
      levelTimes.fill(0, from, to);
      levelAnswers.fill(0, from, to);
    }
  }

  heartbeat(index: number): number {
    return Atomics.load(this.state.heartbeat, index);
  }

  global(counter: number): number {
    let sum = 0;
    for (const { global } of this.counters) sum += global[counter]!;
    return sum;
  }
}

function forget({ windowSum, longLatency, estimate, ...counts }: AdaptiveState, slot: number): void {
  Atomics.store(windowSum, slot, 0n);
  longLatency[slot] = estimate[slot] = 0;
  for (const count of Object.values(counts)) Atomics.store(count, slot, 0);
}

function takeOff(all: Int32Array, own: Int32Array): void {
  for (let slot = 0; slot < own.length; slot++) {
    const count = own[slot]!;
    if (count === 0) continue;
    Atomics.sub(all, slot, count);
    own[slot] = 0;
  }
}

/** As V8 keeps whole numbers in place: what is read from a Float64Array is kept in an object of its own, 16 bytes each. */
function whole(count: number): number {
  return count <= 0x7fffffff ? count | 0 : count;
}
