/** Means over few runs of one scenario, with intervals by Student's t: a bootstrap of five values is too sure of itself. Pure. */
import { average, type Estimate } from '../simulation/statistics.ts';

/** 97.5 % points of t for 1, 2, … degrees of freedom; from there on that of the normal distribution is near enough. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
const NORMAL = 1.96;

/** @param values of one scenario, per seed; those that are not numbers are left out */
export function byStudent(values: readonly (readonly number[])[]): Estimate {
  const known = values.flat().filter((value) => !Number.isNaN(value));
  if (known.length === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN };
  const mean = average(known);
  // NaN of a single value: it has no interval.
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1);
  const reach = (T[known.length - 2] ?? NORMAL) * Math.sqrt(variance / known.length);
  return { mean, low: mean - reach, high: mean + reach };
}
