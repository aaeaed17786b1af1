/** A server of known truth: a Markov chain of requests in flight, whose throughput at each number is given. */
import type { CellCounts } from '../model/counts.ts';
import { type LevelSums, levelOf, noLevels } from '../model/levels.ts';

export interface Truth {
  /** Arrivals per second; what finds `most` in flight is not let in. */
  readonly rate: number;
  readonly most: number;
  /** Answers per second with n in flight. */
  readonly throughput: (n: number) => number;
}

/** What is seen of it in so many arrivals, from the number in flight that it begins with. */
export function observe({ rate, most, throughput }: Truth, arrivals: number, random: () => number): LevelSums {
  const seen = noLevels();
  let n = 0;
  for (let left = arrivals; left > 0;) {
    const out = n === 0 ? 0 : throughput(n);
    const step = -Math.log(1 - random()) / (rate + out);
    if (n > 0) seen.seconds[levelOf(n)]! += step;
    if (random() * (rate + out) < rate) {
      left--;
      if (n < most) n++;
    } else {
      seen.answers[levelOf(n)]!++;
      n--;
    }
  }
  return seen;
}

/**
 * A cell as a proxy counts it: so many requests, all of them answered.
 * @param seconds that each of them took
 */
export function countedCell(
  server: string,
  app: string,
  requests: number,
  { seconds, ...more }: Partial<CellCounts> & { readonly seconds: number },
): CellCounts {
  return {
    server,
    app,
    weight: 1,
    available: true,
    asked: 1,
    askedAvailable: 1,
    delivered: null,
    epochRequests: 0,
    requests,
    retries: 0,
    sticky: 0,
    failures: 0,
    work: { answered: requests, seconds: seconds * requests, timeouts: 0, shed: 0 },
    ...more,
  };
}
