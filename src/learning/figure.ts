/** Figures from what was estimated: a number with its count, error, age and source. */
import type { Figure } from '../model/profiles.ts';

/** What is not seen for so long is not known any more: milliseconds. */
export const EXPIRY = 24 * 3_600_000;

/** Of the normal distribution: a fifth lies above it. */
const UPPER = 0.8416;

/** What an estimator knows. */
export interface Estimate {
  readonly value: number;
  readonly count: number;
  /** Of `value`, not of what it is the mean of. */
  readonly variance: number;
  /** When it was last added to: milliseconds since 1970. */
  readonly at: number;
}

/** Null: there is nothing, or it has expired. */
export function learned(estimate: Estimate | null, now: number): Figure | null {
  if (estimate === null || isExpired(estimate.at, now)) return null;
  const { value, count, variance, at } = estimate;
  const error = Math.sqrt(Math.max(0, variance));
  return { value, source: 'learned', count, error, upper: value + UPPER * error, age: Math.max(0, now - at) / 1000 };
}

export function given(value: number): Figure {
  return { value, source: 'given', count: 0, error: 0, upper: value, age: null };
}

/**
 * Stands in for what nothing is known of: the mean of those that are like it, with their spread as its error; null where
 * there are none.
 */
export function classMean(figures: readonly (Figure | null)[]): Figure | null {
  const known = figures.filter((figure) => figure !== null);
  if (known.length === 0) return null;
  const value = known.reduce((sum, figure) => sum + figure.value, 0) / known.length;
  const spread = known.reduce((sum, figure) => sum + (figure.value - value) ** 2 + figure.error ** 2, 0);
  const error = Math.sqrt(spread / known.length);
  return { value, source: 'default', count: 0, error, upper: value + UPPER * error, age: null };
}

export function isExpired(at: number, now: number): boolean {
  return now - at > EXPIRY;
}
