/**
 * Lets `burst` events of a kind through, then one per `interval` milliseconds, and says how many were held back since
 * the last one: a storm of resets must not become a storm of log lines.
 */
export class RateLimit {
  readonly #burst: number;
  readonly #interval: number;
  readonly #now: () => number;
  readonly #kinds = new Map<string, { tokens: number; at: number; held: number }>();

  constructor(options: { burst: number; interval: number; now?: () => number }) {
    this.#burst = options.burst;
    this.#interval = options.interval;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Null: hold this one back; else the number of events that were held back before it. */
  take(kind: string): number | null {
    const now = this.#now();
    let state = this.#kinds.get(kind);
    if (state === undefined) {
      // Kinds are few and fixed; should somebody pass what comes from outside, memory stays bounded.
      if (this.#kinds.size >= 1000) this.#kinds.clear();
      state = { tokens: this.#burst, at: now, held: 0 };
      this.#kinds.set(kind, state);
    }
    state.tokens = Math.min(this.#burst, state.tokens + (now - state.at) / this.#interval);
    state.at = now;
    if (state.tokens < 1) {
      state.held++;
      return null;
    }
    state.tokens--;
    const held = state.held;
    state.held = 0;
    return held;
  }
}
