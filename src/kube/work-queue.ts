import { type Backoff, delayAfter } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { Pace, type PaceOptions } from './pace.ts';
import { WorkTimes } from './work-times.ts';

/** What became of a key. `Terminal`: trying again changes nothing; it is recorded, and left until the key is added anew. */
export type Outcome =
  | { readonly kind: 'Done' }
  | { readonly kind: 'Retry'; readonly why: string }
  /** Again after so many milliseconds. */
  | { readonly kind: 'Again'; readonly after: number }
  | { readonly kind: 'Terminal'; readonly why: string };

export const DONE: Outcome = { kind: 'Done' };

export interface WorkQueueOptions {
  /** Reads the world anew and brings it in order; level-triggered. Its rejection counts as Retry. */
  readonly process: (key: string) => Promise<Outcome>;
  /** Keys at once; each key is with one at a time whatever this is. Default 1. */
  readonly concurrency?: number;
  /** Default: 5 ms, doubling up to 10 s. */
  readonly backoff?: Backoff;
  readonly pace?: PaceOptions;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** `outcome` is Retry or Terminal; `failures` counts those in a row. */
  readonly onFailure?: (key: string, outcome: Outcome & { readonly why: string }, failures: number) => void;
}

export interface WorkQueueStats {
  readonly depth: number;
  /** Since start. */
  readonly added: number;
  readonly done: number;
  readonly retried: number;
  readonly terminal: number;
}

/** What is told of a queue. */
export interface WorkQueueMeasures {
  readonly stats: WorkQueueStats;
  readonly times: Pick<WorkTimes, 'waited' | 'worked' | 'unfinished'>;
}

const BACKOFF: Backoff = { first: 5, most: 10_000 };

/**
 * Keys that want to be looked at. A key that waits is there once however often it is added; one that is added while it
 * is processed comes again afterwards; none is ever with two at the same time. First in, first out.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #clock: Clock;
  readonly #pace: Pace | null;
  readonly #times: WorkTimes;
  readonly #waiting = new Set<string>();
  readonly #active = new Set<string>();
  /** Added while they were active. */
  readonly #dirty = new Set<string>();
  /** Removed while they were active: their outcome is of no interest. */
  readonly #forgotten = new Set<string>();
  readonly #timers = new Map<string, () => void>();
  readonly #failures = new Map<string, number>();
  #idle: PromiseWithResolvers<void> | null = null;
  #paused: (() => void) | null = null;
  #closed = false;
  #added = 0;
  #done = 0;
  #retried = 0;
  #terminal = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#times = new WorkTimes(this.#clock);
    this.#pace = options.pace === undefined ? null : new Pace(options.pace, this.#clock);
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#added++;
    this.#times.added(key);
    if (this.#active.has(key)) this.#dirty.add(key);
    else this.#waiting.add(key);
    this.#pump();
  }

  /** Forgets a key: it is not processed again until it is added anew. What runs is not interrupted. */
  remove(key: string): void {
    this.#times.removed(key);
    this.#waiting.delete(key);
    this.#dirty.delete(key);
    this.#failures.delete(key);
    this.#disarm(key);
    if (this.#active.has(key)) this.#forgotten.add(key);
    this.#settle();
  }

  get stats(): WorkQueueStats {
    return {
      depth: this.#waiting.size,
      added: this.#added,
      done: this.#done,
      retried: this.#retried,
      terminal: this.#terminal,
    };
  }

  get measures(): WorkQueueMeasures {
    return { stats: this.stats, times: this.#times };
  }

  /** Resolves when nothing waits and nothing runs (keys that wait for their time are not counted). */
  async whenIdle(): Promise<void> {
    this.#idle ??= Promise.withResolvers<void>();
    const { promise } = this.#idle;
    this.#settle();
    await promise;
  }

  /** Takes nothing up any more; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    this.#dirty.clear();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#paused?.();
    await this.whenIdle();
  }

  #pump(): void {
    while (!this.#closed && this.#paused === null && this.#active.size < (this.#options.concurrency ?? 1)) {
      const [key] = this.#waiting;
      if (key === undefined) return;
      const wait = this.#pace?.take() ?? 0;
      if (wait > 0) {
        this.#paused = this.#clock.after(wait, () => {
          this.#paused = null;
          this.#pump();
        });
        return;
      }
      this.#waiting.delete(key);
      // Whatever it waited for: it is looked at now, and the outcome says when next.
      this.#disarm(key);
      this.#active.add(key);
      this.#times.begun(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.#options.process(key);
    } catch (error) {
      outcome = { kind: 'Retry', why: error instanceof Error ? error.message : String(error) };
    }
    this.#active.delete(key);
    this.#times.ended(key);
    if (!this.#forgotten.delete(key)) this.#take(key, outcome);
    if (this.#dirty.delete(key)) this.#waiting.add(key);
    this.#pump();
    this.#settle();
  }

  #take(key: string, outcome: Outcome): void {
    const { onFailure, backoff = BACKOFF, random = Math.random } = this.#options;
    const failures = outcome.kind === 'Retry' ? (this.#failures.get(key) ?? 0) + 1 : 0;
    if (failures === 0) this.#failures.delete(key);
    else this.#failures.set(key, failures);
    switch (outcome.kind) {
      case 'Done':
        this.#done++;
        break;
      case 'Again':
        this.#done++;
        this.#arm(key, outcome.after);
        break;
      case 'Retry':
        this.#retried++;
        onFailure?.(key, outcome, failures);
        this.#arm(key, delayAfter(failures, backoff, random));
        break;
      case 'Terminal':
        this.#terminal++;
        onFailure?.(key, outcome, 1);
        break;
    }
  }

  #arm(key: string, milliseconds: number): void {
    if (this.#closed) return;
    const cancel = this.#clock.after(milliseconds, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, cancel);
  }

  #disarm(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }

  #settle(): void {
    if (this.#active.size > 0 || this.#waiting.size > 0) return;
    this.#idle?.resolve();
    this.#idle = null;
  }
}
