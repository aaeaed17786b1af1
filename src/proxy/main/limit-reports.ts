/** A limit that was reached is never silent: besides the metric, one line a second and limit says how often. */
import { LIMITS, type LimitName } from '../shared.ts';
import type { Log } from './log.ts';

/** Milliseconds between two looks; workers only count. */
const INTERVAL = 1000;

export class LimitReports {
  readonly #read: () => Readonly<Record<LimitName, number>>;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #before: Readonly<Record<LimitName, number>>;

  /** `read`: how often each limit was reached since the start, over all workers. */
  constructor(read: () => Readonly<Record<LimitName, number>>, log: Log, interval = INTERVAL) {
    this.#read = read;
    this.#log = log;
    this.#before = read();
    this.#timer = setInterval(() => this.#look(), interval);
    this.#timer.unref();
  }

  /** Says what has not been said yet. */
  close(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    const now = this.#read();
    for (const limit of LIMITS) {
      const hits = now[limit] - this.#before[limit];
      if (hits > 0) this.#log.warn({ limit, hits }, 'limit reached');
    }
    this.#before = now;
  }
}
