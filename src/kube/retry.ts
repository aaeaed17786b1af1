import { ApiError, isTransient } from './api-error.ts';
import { type Backoff, delayAfter } from './backoff.ts';
import { type Clock, pause, systemClock } from './clock.ts';

export interface RetryOptions {
  /** With the first one; default 5. */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const BACKOFF: Backoff = { first: 100, most: 3000, jitter: 0.5 };

/**
 * Tries again what may succeed then: no answer, 429 (after the time that the server names), 5xx. For what may be done
 * twice without harm. Errors: the last one.
 */
export async function withRetries<T>(run: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, backoff = BACKOFF, signal, clock = systemClock, random = Math.random } = options;
  for (let failures = 1; ; failures++) {
    try {
      return await run();
    } catch (error) {
      if (failures >= attempts || !isTransient(error) || signal?.aborted === true) throw error;
      const asked = error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
      await pause(clock, Math.max(asked, delayAfter(failures, backoff, random)), signal);
    }
  }
}
