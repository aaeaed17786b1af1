/**
 * Prequal (Wydrowski, Kleinberg, Rumble and Archer, "Load is not what you should balance: Introducing Prequal", NSDI 2024), of
 * the paper's description: a pool of probes that say how many requests a replica has and how long they take at such a
 * number; those with many are hot; of the cold ones the fastest is taken, else the one with fewest. Probes are answered at
 * once here, which is kind to it; its parameters are the paper's.
 */
import type { DispatchState, RowPlan } from '../../../src/model/plan.ts';
import { DispatchRow } from '../../../src/scheduler/dispatch-row.ts';
import type { FeedbackChooser, Senses } from '../../../src/simulation/dispatcher.ts';

const PROBES_PER_REQUEST = 3;
const POOL = 16;
/** Milliseconds. */
const MOST_AGE = 1000;
/** Above this quantile of the numbers seen lately a replica is hot. */
const HOT = 2 ** -0.25;
/** Numbers and latencies that are remembered. */
const SEEN = 128;
const REMEMBERED = 32;

interface Probe {
  readonly index: number;
  others: number;
  readonly seconds: number;
  readonly at: number;
}

export class Prequal implements FeedbackChooser {
  readonly #row: DispatchRow;
  readonly #senses: Senses;
  #pool: Probe[] = [];
  #removesOldest = true;
  /** Numbers of requests that probes found lately, as a ring, and how often each is in it. */
  readonly #seen: number[] = [];
  readonly #counts: number[] = [];
  #seenAt = 0;
  /** Per endpoint, (others, seconds) as a ring. */
  readonly #past: { others: number; seconds: number }[][];
  readonly #pastAt: number[];

  constructor(plan: RowPlan, state: DispatchState, senses: Senses) {
    this.#row = new DispatchRow(plan, state);
    this.#senses = senses;
    this.#past = plan.endpoints.map(() => []);
    this.#pastAt = plan.endpoints.map(() => 0);
  }

  choose(): number {
    const now = this.#senses.now();
    this.#pool = this.#pool.filter(({ at, index }) => now - at <= MOST_AGE && this.#row.takesWork(index));
    this.#probe(now);
    const chosen = this.#best();
    if (chosen === null) return this.#row.anyOther([], this.#senses.random());
    // What is sent there is known before the next probe says so.
    for (const probe of this.#pool) if (probe.index === chosen) probe.others++;
    this.#remove();
    return chosen;
  }

  chooseAgain(tried: readonly number[]): number {
    return this.#row.retry(tried);
  }

  answered(index: number, seconds: number, others: number): void {
    const past = this.#past[index]!;
    past[this.#pastAt[index]!++ % REMEMBERED] = { others, seconds };
  }

  #probe(now: number): void {
    const { members, slots } = this.#row;
    const count = Math.min(PROBES_PER_REQUEST, members.length);
    const first = Math.floor(this.#senses.random() * members.length);
    for (let i = 0; i < count; i++) {
      const index = members[(first + i) % members.length]!;
      if (!this.#row.takesWork(index)) continue;
      const others = this.#senses.present(slots[index]!);
      this.#see(others);
      this.#pool.push({ index, others, seconds: this.#secondsAt(index, others), at: now });
    }
    if (this.#pool.length > POOL) this.#pool = this.#pool.slice(-POOL);
  }

  /** Median of what took how long beside about so many others; 0: nothing is known. */
  #secondsAt(index: number, others: number): number {
    const past = this.#past[index]!;
    if (past.length === 0) return 0;
    let nearest = Infinity;
    for (const each of past) nearest = Math.min(nearest, Math.abs(each.others - others));
    const near: number[] = [];
    for (const each of past) if (Math.abs(each.others - others) <= nearest) near.push(each.seconds);
    return near.toSorted((a, b) => a - b)[near.length >> 1]!;
  }

  #best(): number | null {
    const hot = this.#hotFrom();
    let best: Probe | null = null;
    for (const probe of this.#pool) {
      if (best === null || this.#isBetter(probe, best, hot)) best = probe;
    }
    return best?.index ?? null;
  }

  #isBetter(probe: Probe, best: Probe, hot: number): boolean {
    const cold = probe.others <= hot;
    if (cold !== best.others <= hot) return cold;
    return cold ? probe.seconds < best.seconds : probe.others < best.others;
  }

  #see(others: number): void {
    const at = this.#seenAt++ % SEEN;
    if (this.#seen.length === SEEN) this.#counts[this.#seen[at]!]!--;
    this.#seen[at] = others;
    while (this.#counts.length <= others) this.#counts.push(0);
    this.#counts[others]!++;
  }

  #hotFrom(): number {
    let left = HOT * this.#seen.length;
    let others = 0;
    for (; others < this.#counts.length - 1; others++) {
      left -= this.#counts[others]!;
      if (left <= 0) break;
    }
    return others;
  }

  /** One per request, in turn the oldest and the worst. */
  #remove(): void {
    if (this.#pool.length <= 1) return;
    let at = 0;
    if (!this.#removesOldest) {
      const hot = this.#hotFrom();
      for (let i = 1; i < this.#pool.length; i++) if (this.#isBetter(this.#pool[at]!, this.#pool[i]!, hot)) at = i;
    }
    this.#removesOldest = !this.#removesOldest;
    this.#pool.splice(at, 1);
  }
}
