/** Schedules of rows, each made once: of thousands of rows many have the same weights. */
import type { Schedule } from '../../model/plan.ts';
import { buildSchedule } from '../../scheduler/schedule.ts';

/** Short tables are copied to each worker (once per message): shared memory is had by the page only. */
const SHARED_FROM = 4096;

export class Schedules {
  /** What no plan holds any more is forgotten. */
  readonly #known = new Map<string, WeakRef<Schedule>>();
  readonly #forgotten = new FinalizationRegistry<string>((key) => {
    if (this.#known.get(key)?.deref() === undefined) this.#known.delete(key);
  });

  /** As `buildSchedule`; what it gives belongs to all who asked for the same weights. */
  readonly of = (weights: readonly number[]): Schedule => {
    const key = weights.join(' ');
    const known = this.#known.get(key)?.deref();
    if (known !== undefined) return known;
    const made = buildSchedule(weights, (bytes) =>
      bytes < SHARED_FROM ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes),
    );
    this.#known.set(key, new WeakRef(made));
    this.#forgotten.register(made, key);
    return made;
  };
}
