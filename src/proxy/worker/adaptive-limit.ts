/**
 * How many requests at once a server can take before it becomes slower: the Gradient2 rule of Netflix' concurrency-limits
 * (`Gradient2Limit.java`, its defaults), over windows of time, kept by all workers together. The quotient of how long answers
 * took over many windows and how long they take now says whether requests queue up: below 1 the limit shrinks by it,
 * else it grows by what may queue.
 */
import type { AdaptiveState, SharedState } from '../shared.ts';
import { countLimit, type WorkerState } from './state.ts';

const INITIAL = 20;
const LEAST = 1;
/** How many may queue at the server. */
const QUEUE = 4;
/** How much slower than usual is still as usual. */
const TOLERANCE = 1.5;
/** Share of a new estimate in the limit. */
const SMOOTHING = 0.2;
/** Share of a window in the long mean: a mean of 600. */
const LONG = 2 / 601;
/** The long mean begins as the plain one of so many windows. */
const WARMUP = 10;
/** A window ends after so many milliseconds with so many answers. */
const WINDOW = 100;
const ANSWERS = 10;
/** Unknown for ten seconds or more, as hours without a request are, a window begins anew. */
const STALE = 10_000;

export class AdaptiveLimit {
  readonly #state: AdaptiveState;
  readonly #inflight: Int32Array;
  readonly #slot: number;
  #most: number;

  /** @param most requests at once, whatever is measured */
  constructor(shared: SharedState, slot: number, most: number) {
    this.#state = shared.adaptive;
    this.#inflight = shared.inflight;
    this.#slot = slot;
    this.#most = most;
    const first = this.#state.prior[slot]! || INITIAL;
    Atomics.compareExchange(this.#state.limit, slot, 0, Math.min(first, most));
  }

  setMost(most: number): void {
    this.#most = most;
  }

  /** For one that is not counted as in flight yet. */
  hasRoom(): boolean {
    return this.#inflight[this.#slot]! < this.#state.limit[this.#slot]!;
  }

  /** Whether the request that is counted as in flight already may go there; where not, the limit's hit is counted. */
  takes(worker: WorkerState): boolean {
    const inflight = this.#inflight[this.#slot]!;
    if (inflight <= this.#state.limit[this.#slot]!) return true;
    countLimit(worker, 'adaptive_concurrency');
    return false;
  }

  /**
   * An answer has come, `microseconds` after its request was sent.
   * @param now milliseconds of a clock that all workers share
   */
  observe(microseconds: number, now: number = sharedClock()): void {
    const { windowAt, windowMost, windowCount, windowSum } = this.#state;
    const slot = this.#slot;
    // workers may overwrite each other's: what is lost is a request or two
    windowMost[slot] = Math.max(windowMost[slot]!, this.#inflight[slot]!);
    Atomics.add(windowSum, slot, BigInt(Math.round(microseconds)));
    const count = Atomics.add(windowCount, slot, 1) + 1;
    const begun = Atomics.load(windowAt, slot);
    const age = (now - begun) | 0;
    if (age >= 0 && age < WINDOW) return;
    const isStale = age < 0 || age > STALE;
    if (!isStale && count < ANSWERS) return;
    // one of all workers closes the window; none of the others for as long as one lasts
    if (Atomics.compareExchange(windowAt, slot, begun, now | 0) !== begun) return;
    const sum = Atomics.exchange(windowSum, slot, 0n);
    const answers = Atomics.exchange(windowCount, slot, 0);
    const most = Atomics.exchange(windowMost, slot, 0);
    if (!isStale && answers > 0) this.#close(Number(sum) / answers, most);
  }

  /** Gradient2. `short`: mean of the window, `most`: the most that was in flight. */
  #close(short: number, most: number): void {
    const { limit, longLatency, estimate } = this.#state;
    const slot = this.#slot;
    const long = this.#updateLong(short);
    // back from a time of trouble: the long mean must not take as long as it lasted to forget it
    if (long / short > 2) longLatency[slot] = long * 0.95;
    const before = estimate[slot]! || limit[slot]!;
    // what is not used says nothing about what could be
    if (most < before / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * long) / short));
    const wanted = before * (1 - SMOOTHING) + (before * gradient + QUEUE) * SMOOTHING;
    const next = Math.max(LEAST, Math.min(this.#most, wanted));
    estimate[slot] = next;
    Atomics.store(limit, slot, Math.floor(next));
  }

  #updateLong(short: number): number {
    const { longLatency, windows } = this.#state;
    const known = longLatency[this.#slot]!;
    const before = Atomics.add(windows, this.#slot, 1);
    const share = before < WARMUP ? 1 / (before + 1) : LONG;
    const long = known + (short - known) * share;
    longLatency[this.#slot] = long;
    return long;
  }
}

/** Threads have clocks of their own that begin when they do; the system's is the same for all. 32 bits of milliseconds. */
function sharedClock(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) | 0;
}
