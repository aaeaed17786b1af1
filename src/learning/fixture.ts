/** A server of known truth: a Markov chain of requests in flight, whose throughput at each number is given. */
import type { CellCounts } from '../model/counts.ts';
import { inflightAt, type LevelSums, LEVELS, levelOf, noLevels } from '../model/levels.ts';
import { APART, INSTANTS, type SampledEndpoint, type SampledWindow } from '../model/samples.ts';

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

export interface Samples {
  readonly proxies: number;
  readonly windows: number;
  /** Milliseconds by which a proxy comes later to an instant than it should; default: never. */
  readonly late?: (proxy: number) => number;
}

/** The same through several proxies, of which each sees its own requests, at the instants of windows that follow each other. */
export function* observeSamples(
  { rate, most, throughput }: Truth,
  { proxies, windows, late = () => 0 }: Samples,
  random: () => number,
): Generator<SampledWindow[]> {
  const own = Array.from({ length: proxies }, () => 0);
  const answered = Array.from({ length: proxies }, () => 0);
  let n = 0;
  let clock = 0;
  /** What happens next, and when. */
  const draw = () => clock - Math.log(1 - random()) / (rate + (n === 0 ? 0 : throughput(n)));
  let next = draw();
  const pass = (until: number) => {
    while (next <= until) {
      clock = next;
      const out = n === 0 ? 0 : throughput(n);
      if (random() * (rate + out) >= rate) {
        const proxy = indexOf(own, random() * n);
        own[proxy]!--;
        answered[proxy]!++;
        n--;
      } else if (n < most) {
        own[Math.floor(random() * proxies)]!++;
        n++;
      }
      next = draw();
    }
  };
  for (let number = 0; number < windows; number++) {
    const start = number * (INSTANTS / 1000) * APART;
    const looks = Array.from({ length: INSTANTS + 1 }, (_, at) =>
      own.map((_each, proxy) => ({ at, proxy, time: start + (at * APART + late(proxy)) / 1000 })),
    );
    const seen = own.map(() => ({ inFlight: [] as number[], answers: [] as number[], before: 0 }));
    for (const { at, proxy, time } of looks.flat().toSorted((a, b) => a.time - b.time)) {
      pass(time);
      const each = seen[proxy]!;
      if (at > 0) each.answers.push(answered[proxy]! - each.before);
      if (at < INSTANTS) each.inFlight.push(own[proxy]!);
      each.before = answered[proxy]!;
    }
    yield seen.map(({ inFlight, answers }) => ({
      number,
      missed: [],
      endpoints: [sampledEndpoint({ inFlight, answers })],
    }));
  }
}

export function sampledEndpoint(more: Partial<SampledEndpoint> = {}): SampledEndpoint {
  return {
    row: 'matrix shop/m shop',
    server: 'shop/web1',
    address: '10.0.0.1',
    port: 80,
    inFlight: [],
    answers: [],
    ...more,
  };
}

/** Where among so many things of each kind the one at this place is. */
function indexOf(counts: readonly number[], place: number): number {
  let before = 0;
  for (const [index, count] of counts.entries()) {
    before += count;
    if (place < before) return index;
  }
  return counts.findLastIndex((count) => count > 0);
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

/**
 * Takes every fourth level from `first` on (0 … 3) out of what was seen.
 * @returns the numbers in flight of those that had enough answers to be used
 */
export function holdOut({ seconds, answers }: LevelSums, first: number): number[] {
  const held: number[] = [];
  for (let level = first; level < LEVELS; level += 4) {
    if (answers[level]! >= 100) held.push(inflightAt(level));
    seconds[level] = answers[level] = 0;
  }
  return held;
}
