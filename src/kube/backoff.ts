/** A delay that doubles, up to a cap; times in milliseconds. */
export interface Backoff {
  readonly first: number;
  readonly most: number;
  /** 0.2: each delay is longer by up to a fifth, at random, so that many do not come at once. Default 0. */
  readonly jitter?: number;
}

/** The delay after so many failures in a row (1 or more). */
export function delayAfter(failures: number, { first, most, jitter = 0 }: Backoff, random: () => number): number {
  // 2 ** 60 times anything is above any cap, and finite.
  const delay = Math.min(most, first * 2 ** Math.min(failures - 1, 60));
  return delay * (1 + jitter * random());
}
