import { type Clock, systemClock } from '../kube/clock.ts';
import type { Log } from '../telemetry/log.ts';

export interface LoopOptions {
  /** Puts in force what is known now. `received`: when the oldest change was known that it may be the first to see. */
  readonly run: (received: () => number) => Promise<void>;
  readonly log: Log;
  readonly clock?: Clock;
}

/** After so many milliseconds without a run, a change is taken for a lone one: it goes at once. */
const QUIET = 20;
/** In a burst: a run waits until nothing has come for so long … */
const HOLD = 5;
/** … but not longer than this from the first change on, so that a steady stream does not starve it. */
const CAP = 25;

/** One run at a time; changes that come meanwhile are one more. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #clock: Clock;
  /** When the oldest change was received that no run has seen; null: there is none. */
  #received: number | null = null;
  #first = 0;
  #endedAt = -Infinity;
  #running: Promise<void> | null = null;
  #cancel: (() => void) | null = null;
  #closed = false;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Something has changed. `received`: when that was known, as `performance.now()`. */
  changed(received: number): void {
    if (this.#received === null) this.#first = this.#clock.now();
    this.#received = Math.min(this.#received ?? received, received);
    if (this.#running === null) this.#schedule();
  }

  /** Changes wait for a run. */
  get pending(): boolean {
    return this.#received !== null || this.#running !== null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    await this.#running;
  }

  #schedule(): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    const isLone = now - this.#endedAt >= QUIET;
    // Not this very moment: what came in the same turn of the event loop belongs together.
    if (isLone && this.#cancel !== null) return;
    this.#cancel?.();
    const wait = isLone ? 0 : Math.max(0, Math.min(now + HOLD, this.#first + CAP) - now);
    this.#cancel = this.#clock.after(wait, () => {
      this.#cancel = null;
      this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      await this.#options.run(() => {
        const received = this.#received ?? performance.now();
        this.#received = null;
        return received;
      });
    } catch (error) {
      // A fault of ours; what is in force stays in force.
      this.#options.log.error({ err: error }, 'a change could not be put in force');
      this.#received = null;
    }
    this.#endedAt = this.#clock.now();
    this.#running = null;
    if (this.#received !== null) this.#schedule();
  }
}
