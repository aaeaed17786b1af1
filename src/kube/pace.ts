import { type Clock, systemClock } from './clock.ts';

/** At most `burst` at once, and `perSecond` in the long run. */
export interface PaceOptions {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket: keeps bursts of writes from taking the API server's time away from others. */
export class Pace {
  readonly #options: PaceOptions;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(options: PaceOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
    this.#tokens = options.burst;
    this.#at = clock.now();
  }

  /** 0: taken, go ahead; else nothing was taken, and the milliseconds until there will be something to take. */
  take(): number {
    const { perSecond, burst } = this.#options;
    const now = this.#clock.now();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) * perSecond) / 1000);
    this.#at = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) * 1000) / perSecond);
    this.#tokens--;
    return 0;
  }
}
