import type { Backoff } from './backoff.ts';

/** Milliseconds. */
export interface WatchTiming {
  /** A watch ends at the server after a time in this range, and is renewed: so one that has stalled is found. */
  readonly least: number;
  readonly most: number;
  /** What the server has beyond that time to end it. */
  readonly grace: number;
  readonly backoff: Backoff;
  /** From one list to the next one, at least. */
  readonly betweenLists: number;
  /** Until a kind is looked for again that is not installed, and what may not be read is tried again. */
  readonly slowly: number;
}

/**
 * A stalled watch is found within most + grace < 60 s. After an outage everything is tried again within 5 s: the longest
 * pause, with its jitter, is 3.6 s.
 */
export const WATCH_TIMING: WatchTiming = {
  least: 40_000,
  most: 52_000,
  grace: 5000,
  backoff: { first: 200, most: 3000, jitter: 0.2 },
  betweenLists: 1000,
  slowly: 15_000,
};
