/**
 * Throughput against the number of requests in flight, from the time spent and the requests answered at each level:
 * X(n) = D(n) / T(n), and n / X(n) = c0 + c1 n + c2 n² (Gunther's universal scalability law), whose peak is at
 * sqrt(c0 / c2). Response times against N = X R are not used: both sides share R, which on a flat system shows a peak at
 * twice the present load.
 */
import { inflightAt, type LevelSums, LEVELS, widthOf } from '../model/levels.ts';
import type { LevelRange } from '../model/profiles.ts';
import { type Estimate, EXPIRY } from './figure.ts';
import { knownLevels } from './known-levels.ts';
import { curveOf, peakOf, type Point } from './throughput-curve.ts';

/**
 * So many answers of a level are remembered, and so many are enough to use it. Levels that are seen less often are
 * forgotten within some hours in which there was anything to do (seconds).
 */
const MEMORY = 10_000;
const ENOUGH = 100;
const FORGETTING = 4 * 3600;
/** Beyond the highest level that enough is known of, by this factor, nothing is said, nor so far below the lowest. */
const REACH = 1.2;
/** Where no peak was seen, a limit must still leave a flat system the room to show one: of the mean in flight. */
const ROOM = 3;

/** By level, as far as any was seen: of thousands of cells, most see a few. Plain arrays, so that they can be kept as JSON. */
export interface LevelBook {
  seconds: number[];
  answers: number[];
  /** When an answer was last counted there: milliseconds since 1970. */
  at: number[];
  /** All answers. */
  count: number;
  /** Seconds for which anything was in flight, of those that are remembered, and requests in flight x these. */
  busy: number;
  area: number;
}

export function newLevelBook(): LevelBook {
  return { seconds: [], answers: [], at: [], count: 0, busy: 0, area: 0 };
}

/** Makes room for a level, and no more: an array that is pushed to, or spread into, has room for many from the first on. */
export function reachLevel(book: LevelBook, level: number): void {
  const missing = level + 1 - book.seconds.length;
  if (missing <= 0) return;
  const zeros = Array.from({ length: missing }, () => 0);
  book.seconds = book.seconds.concat(zeros);
  book.answers = book.answers.concat(zeros);
  book.at = book.at.concat(zeros);
}

export function addLevels(book: LevelBook, { seconds, answers }: LevelSums, now: number): void {
  let busy = 0;
  for (let level = 0; level < LEVELS; level++) busy += seconds[level]!;
  forget(book, Math.exp(-busy / FORGETTING));
  for (let level = 0; level < LEVELS; level++) {
    if (seconds[level] === 0 && answers[level] === 0) continue;
    reachLevel(book, level);
    book.busy += seconds[level]!;
    book.area += seconds[level]! * inflightAt(level);
    if (now - book.at[level]! > EXPIRY) book.seconds[level] = book.answers[level] = 0;
    book.seconds[level]! += seconds[level]!;
    book.answers[level]! += answers[level]!;
    book.count += answers[level]!;
    if (answers[level]! > 0 || book.at[level] === 0) book.at[level] = now;
    const over = book.answers[level]! / MEMORY;
    if (over <= 1) continue;
    book.seconds[level]! /= over;
    book.answers[level] = MEMORY;
  }
}

/** Keeps `part` of what is known. */
function forget(book: LevelBook, part: number): void {
  for (const level of book.seconds.keys()) {
    book.seconds[level]! *= part;
    book.answers[level]! *= part;
  }
  book.busy *= part;
  book.area *= part;
}

/** One book of several, as if all had been counted in one. */
export function pooled(books: readonly LevelBook[]): LevelBook {
  const all = newLevelBook();
  for (const { seconds, answers, at, count, busy, area } of books) {
    if (count === 0) continue;
    reachLevel(all, seconds.length - 1);
    for (const level of seconds.keys()) {
      all.seconds[level]! += seconds[level]!;
      all.answers[level]! += answers[level]!;
      all.at[level] = Math.max(all.at[level]!, at[level]!);
    }
    all.count += count;
    all.busy += busy;
    all.area += area;
  }
  return all;
}

export interface ConcurrencyFit {
  /** Seconds per request at n: c0 + c1 m + c2 m², with m = n − knee, 0 below it. */
  readonly coefficients: readonly [number, number, number];
  /** 0: there is none. */
  readonly knee: number;
  /** Mean number in flight, while there was any. */
  readonly inflight: number;
  /** The numbers in flight that were seen often enough. */
  readonly seen: LevelRange;
  /** Of these, those at which throughput is known to a tenth; null: at none. */
  readonly known: LevelRange | null;
  readonly limit: Estimate;
  /** `limit` is a peak; else as much as may be said without one. */
  readonly peaked: boolean;
}

/** Null: there are not three levels that enough is known of. */
export function fitConcurrency(book: LevelBook, now: number): ConcurrencyFit | null {
  const points = pointsOf(book, now);
  if (points.length < 3) return null;
  const curve = curveOf(points);
  if (curve === null) return null;
  const [lowest, highest] = [points[0]!.n, points.at(-1)!.n];
  const inflight = book.busy === 0 ? 0 : book.area / book.busy;
  const peak = peakOf(curve, REACH * highest);
  const peaked = peak.value <= REACH * highest;
  return {
    coefficients: curve.coefficients,
    knee: curve.knee,
    inflight,
    seen: { lowest, highest },
    known: knownLevels(curve, points),
    peaked,
    limit: {
      value: Math.max(1, peaked ? Math.max(peak.value, lowest / REACH) : Math.max(REACH * highest, ROOM * inflight)),
      count: book.count,
      variance: peaked ? peak.variance : 0,
      at: Math.max(...points.map(({ at }) => at)),
    },
  };
}

function pointsOf({ seconds, answers, at }: LevelBook, now: number): Point[] {
  const points: Point[] = [];
  // What the last level stands for is not known.
  for (let level = 0; level < Math.min(answers.length, LEVELS - 1); level++) {
    if (answers[level]! < ENOUGH || now - at[level]! > EXPIRY) continue;
    const n = inflightAt(level);
    points.push({
      n,
      perRequest: (n * seconds[level]!) / answers[level]!,
      // Answers come at random: of D of them the relative error is 1 / sqrt(D). And any number of the level may have been meant.
      precision: 1 / (1 / answers[level]! + (widthOf(level) / n) ** 2 / 12),
      at: at[level]!,
    });
  }
  return points;
}
