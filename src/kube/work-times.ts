import { Histogram } from '../telemetry/histogram.ts';
import type { Clock } from './clock.ts';

/** From a key that goes through at once to one that waits for a pace, or for an API that is away. */
export const WORK_BOUNDS = [0.001, 0.01, 0.1, 1, 10];

/** How long keys wait until they are taken up, and how long it takes what is done with them. */
export class WorkTimes {
  readonly waited = new Histogram(WORK_BOUNDS);
  readonly worked = new Histogram(WORK_BOUNDS);
  readonly #clock: Clock;
  readonly #added = new Map<string, number>();
  readonly #begun = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One that was added already waits since then. */
  added(key: string): void {
    if (!this.#added.has(key)) this.#added.set(key, this.#clock.now());
  }

  removed(key: string): void {
    this.#added.delete(key);
  }

  begun(key: string): void {
    const now = this.#clock.now();
    this.waited.observe((now - (this.#added.get(key) ?? now)) / 1000);
    this.#added.delete(key);
    this.#begun.set(key, now);
  }

  ended(key: string): void {
    const now = this.#clock.now();
    this.worked.observe((now - (this.#begun.get(key) ?? now)) / 1000);
    this.#begun.delete(key);
  }

  /** Seconds that each key has taken which is not done yet. */
  get unfinished(): number[] {
    const now = this.#clock.now();
    return [...this.#begun.values()].map((begun) => (now - begun) / 1000);
  }
}
