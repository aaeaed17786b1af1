/**
 * Peak EWMA, normalised by weight: of two endpoints drawn in proportion to their weights, the one with the lower
 * latency * (c+1) / w. Over two rather than over all: the averages are as old as the last answers, and choosing the best
 * of all sends everything that arrives meanwhile to one endpoint (Finagle, Linkerd and Envoy draw two as well).
 *
 * What is not known is taken to be as the row's mean: an endpoint without a sample, and, by and by, one that has not
 * been asked for a while. So a new one is neither flooded nor passed over, and one that was slow once is tried again.
 * The first one drawn is taken if it is idle and not above twice the other's latency (twice is what one more request in
 * flight would make of it): that keeps the shares where a row has little to do.
 */
import type { DispatchRow } from './dispatch-row.ts';
import { freshness } from './latency.ts';
import { PowerOfTwo } from './power-of-two.ts';

/** Milliseconds for which a row's mean is used. */
const MEAN_AGE = 100;

export class PeakEwma extends PowerOfTwo {
  readonly #now: () => number;
  #mean = 1;
  #meanAt = -Infinity;

  constructor(row: DispatchRow, random: () => number, now: () => number) {
    super(row, random);
    this.#now = now;
  }

  protected override preferred(first: number, second: number): number {
    const { slots, weights, siblings, state } = this.row;
    const now = this.#now();
    if (now - this.#meanAt >= MEAN_AGE) this.#update(now);
    const firstLatency = this.#latency(slots[first]!, now);
    const secondLatency = this.#latency(slots[second]!, now);
    const inFirst = state.inflight[slots[first]!]!;
    if (inFirst === 0 && firstLatency <= 2 * secondLatency) return first;
    const inSecond = state.inflight[slots[second]!]!;
    const a = firstLatency * (inFirst + 1) * siblings[first]! * weights[second]!;
    const b = secondLatency * (inSecond + 1) * siblings[second]! * weights[first]!;
    return a <= b ? first : second;
  }

  #latency(slot: number, now: number): number {
    const average = this.row.state.latency[slot]!;
    if (average === 0) return this.#mean;
    return this.#mean + (average - this.#mean) * freshness(this.row.state, slot, now);
  }

  /** The mean counts an average by its freshness, or one old peak would keep its endpoint out for good. */
  #update(now: number): void {
    const { members, slots, state } = this.row;
    let sum = 0;
    let count = 0;
    for (const index of members) {
      const slot = slots[index]!;
      const average = state.latency[slot]!;
      if (average === 0) continue;
      const share = freshness(state, slot, now);
      sum += average * share;
      count += share;
    }
    // Nothing known, or after hours of rest nothing that still holds: all are alike.
    this.#mean = count === 0 ? 1 : sum / count;
    this.#meanAt = now;
  }
}
