import type { ReplicaState } from '../delivery/contract.ts';
import { Histogram } from '../telemetry/histogram.ts';

/**
 * From a swap that touches one cell, on every replica, to one for which a replica had to be waited. Close together around
 * 30 ms, which is what 99 of 100 changes are to stay below, so that a quantile tells on which side of it they are.
 */
export const PROPAGATION_BOUNDS = [0.003, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 0.3, 1, 3, 10, 30];
/** Publications that wait for their last acknowledgement; one that has waited for so many others is given up. */
const WAITING = 1000;

export interface PropagationOptions {
  readonly replicas: () => ReadonlyMap<string, ReplicaState>;
  /** Uids of the proxies that are ready. */
  readonly ready: () => ReadonlySet<string>;
  /** The number under which a snapshot was published; -1: unknown. */
  readonly numberOf: (snapshot: string) => number;
}

/** How long a change takes from its receipt to the last ready proxy that serves it. */
export class Propagation {
  readonly histogram = new Histogram(PROPAGATION_BOUNDS);
  readonly #options: PropagationOptions;
  #waiting: { readonly number: number; readonly received: number }[] = [];

  constructor(options: PropagationOptions) {
    this.#options = options;
  }

  /** A snapshot was published that was not the one before. `received` as `performance.now()`. */
  published(snapshot: string, received: number): void {
    // Without proxies nothing propagates, and what they get when they come is no measure of it.
    if (this.#options.ready().size === 0) return;
    this.#waiting.push({ number: this.#options.numberOf(snapshot), received });
    if (this.#waiting.length > WAITING) this.#waiting.shift();
  }

  /** Some proxy serves another snapshot now, or other proxies are ready. */
  look(): void {
    if (this.#waiting.length === 0) return;
    const { ready, replicas, numberOf } = this.#options;
    const known = replicas();
    const serves = [...ready()].map((uid) => numberOf(known.get(uid)?.programmed?.snapshot ?? ''));
    if (serves.length === 0) {
      this.#waiting = [];
      return;
    }
    const least = Math.min(...serves);
    const now = performance.now();
    // Whoever serves a later one serves what this one changed.
    for (const { number, received } of this.#waiting) {
      if (number <= least) this.histogram.observe((now - received) / 1000);
    }
    this.#waiting = this.#waiting.filter(({ number }) => number > least);
  }
}
