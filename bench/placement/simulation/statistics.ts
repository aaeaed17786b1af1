/** Means over scenarios and seeds, with intervals by bootstrap: scenarios are drawn first, then seeds of each. Pure. */
import { type Random, seededRandom } from '../../../src/placement/random.ts';

export interface Estimate {
  readonly mean: number;
  /** 95 of 100 resamples lie between these. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 1000;

/** @param values per scenario and seed; those that are not numbers are left out, and scenarios that have none */
export function estimate(values: readonly (readonly number[])[], seed = 1): Estimate {
  const known = values.map((row) => row.filter((each) => !Number.isNaN(each))).filter((row) => row.length > 0);
  if (known.length === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  const random = seededRandom(seed);
  const means = Float64Array.from({ length: RESAMPLES }, () => resampled(known, random)).toSorted();
  return {
    mean: known.reduce((sum, row) => sum + average(row), 0) / known.length,
    low: means[Math.floor(0.025 * RESAMPLES)]!,
    high: means[Math.ceil(0.975 * RESAMPLES) - 1]!,
  };
}

function resampled(values: readonly (readonly number[])[], random: Random): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const row = values[Math.floor(random() * values.length)]!;
    let own = 0;
    for (let k = 0; k < row.length; k++) own += row[Math.floor(random() * row.length)]!;
    sum += own / row.length;
  }
  return sum / values.length;
}

export function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
