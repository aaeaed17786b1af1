/**
 * Throughput against the number of requests in flight, from the time spent and the requests answered at each level:
 * X(n) = D(n) / T(n), and n / X(n) = c0 + c1 n + c2 n² (Gunther's universal scalability law), whose peak is at
 * sqrt(c0 / c2). Response times against N = X R are not used: both sides share R, which on a flat system shows a peak at
 * twice the present load.
 */
import { inflightAt, type LevelSums, LEVELS } from '../model/levels.ts';
import { type Estimate, EXPIRY } from './figure.ts';
import { addRow, newEquations, solveNonNegative } from './normal-equations.ts';

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

/** By level; plain arrays, so that they can be kept as JSON. */
export interface LevelBook {
  readonly seconds: number[];
  readonly answers: number[];
  /** When an answer was last counted there: milliseconds since 1970. */
  readonly at: number[];
  /** All answers. */
  count: number;
  /** Seconds for which anything was in flight, of those that are remembered, and requests in flight x these. */
  busy: number;
  area: number;
}

const zeros = (): number[] => Array.from({ length: LEVELS }, () => 0);

export function newLevelBook(): LevelBook {
  return { seconds: zeros(), answers: zeros(), at: zeros(), count: 0, busy: 0, area: 0 };
}

export function addLevels(book: LevelBook, { seconds, answers }: LevelSums, now: number): void {
  forget(book, Math.exp(-seconds.reduce((sum, each) => sum + each, 0) / FORGETTING));
  for (let level = 0; level < LEVELS; level++) {
    if (seconds[level] === 0 && answers[level] === 0) continue;
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
  for (let level = 0; level < LEVELS; level++) {
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
    for (let level = 0; level < LEVELS; level++) {
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
  readonly coefficients: readonly [number, number, number];
  /** Mean number in flight, while there was any. */
  readonly inflight: number;
  /** Numbers in flight that enough is known of. */
  readonly lowest: number;
  readonly highest: number;
  readonly limit: Estimate;
  /** `limit` is a peak; else as much as may be said without one. */
  readonly peaked: boolean;
}

/** Null: there are not three levels that enough is known of. */
export function fitConcurrency(book: LevelBook, now: number): ConcurrencyFit | null {
  const points = pointsOf(book, now);
  if (points.length < 3) return null;
  const equations = newEquations(3);
  // Answers come at random: of D of them the relative error is 1 / sqrt(D).
  for (const { n, perRequest, answers } of points) {
    addRow(equations, [1, n, n * n], perRequest, answers / perRequest ** 2);
  }
  const solution = solveNonNegative(equations);
  const c0 = solution?.values[0] ?? 0;
  if (solution === null || c0 <= 0) return null;
  const [, c1 = 0, c2 = 0] = solution.values;
  const [lowest, highest] = [points[0]!.n, points.at(-1)!.n];
  const inflight = book.busy === 0 ? 0 : book.area / book.busy;
  const peak = c2 > 0 ? Math.sqrt(c0 / c2) : Infinity;
  const peaked = peak <= REACH * highest;
  const at = Math.max(...points.map((point) => point.at));
  return {
    coefficients: [c0, c1, c2],
    inflight,
    lowest,
    highest,
    peaked,
    limit: {
      value: Math.max(1, peaked ? Math.max(peak, lowest / REACH) : Math.max(REACH * highest, ROOM * inflight)),
      count: book.count,
      variance: peaked ? peakVariance(peak, c0, c2, solution.covariance) : 0,
      at,
    },
  };
}

/** Answers per second with n in flight. */
export function throughputAt([c0, c1, c2]: ConcurrencyFit['coefficients'], n: number): number {
  return n / (c0 + c1 * n + c2 * n * n);
}

function pointsOf({ seconds, answers, at }: LevelBook, now: number) {
  const points: { n: number; perRequest: number; answers: number; at: number }[] = [];
  // What the last level stands for is not known.
  for (let level = 0; level < LEVELS - 1; level++) {
    if (answers[level]! < ENOUGH || now - at[level]! > EXPIRY) continue;
    const n = inflightAt(level);
    points.push({
      n,
      perRequest: (n * seconds[level]!) / answers[level]!,
      answers: answers[level]!,
      at: at[level]!,
    });
  }
  return points;
}

/** Of sqrt(c0 / c2), to the first order of the errors of both. */
function peakVariance(peak: number, c0: number, c2: number, covariance: Float64Array): number {
  const relative = covariance[0]! / c0 ** 2 + covariance[8]! / c2 ** 2 - (2 * covariance[2]!) / (c0 * c2);
  return (peak * peak * Math.max(0, relative)) / 4;
}
