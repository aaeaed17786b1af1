/** The few statistics that the benchmarks need; pure. */

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  /** As `slope` has it. */
  readonly slope: number;
  /** The true one lies between these, with the confidence that was asked for; infinite where the points are too few to say. */
  readonly low: number;
  readonly high: number;
}

/**
 * The slope with its interval (Sen 1968, by Kendall's variance), for points whose errors do not hang together: no assumption
 * about how they are distributed. `deviations`: 1.96 for a confidence of 95 %.
 */
export function slopeWithin(points: readonly Point[], deviations = 1.96): Slope {
  const slopes = slopesOf(points);
  const n = points.length;
  const reach = deviations * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const low = slopes[Math.floor((slopes.length - reach) / 2) - 1] ?? Number.NEGATIVE_INFINITY;
  const high = slopes[Math.ceil((slopes.length + reach) / 2)] ?? Number.POSITIVE_INFINITY;
  return { slope: slopes.length === 0 ? 0 : median(slopes), low, high };
}

/** Theil and Sen: the median of the slopes between any two points, which one outlier at the end does not bend. */
export function slope(points: readonly Point[]): number {
  const slopes = slopesOf(points);
  return slopes.length === 0 ? 0 : median(slopes);
}

/** Between any two points, in order. */
function slopesOf(points: readonly Point[]): number[] {
  return points
    .flatMap((a, at) => points.slice(at + 1).flatMap((b) => (b.x === a.x ? [] : [(b.y - a.y) / (b.x - a.x)])))
    .toSorted((a, b) => a - b);
}
