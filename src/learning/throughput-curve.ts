/**
 * The law of throughput by the number of requests in flight, n / X(n) = c0 + c1 m + c2 m² (Gunther's universal scalability law),
 * with m = n, or beyond a knee, fitted by weighted least squares.
 */
import { addRow, newEquations, solveNonNegative } from './normal-equations.ts';

/** So many levels must be above a knee, so much more of the squares it must explain, and so many are tried. */
const ABOVE_KNEE = 3;
const EVIDENCE = 20;
const MOST_KNEES = 16;
/** Steps in which a knee is looked for: as a part of it. */
const FINEST = 0.02;
/** Throughput beyond a knee that is worth going beyond it, as a part of what it is there. */
const WORTH = 1.05;

/** Answers per second with n in flight. */
export function throughputAt(
  { coefficients: [c0, c1, c2], knee }: Pick<Curve, 'coefficients' | 'knee'>,
  n: number,
): number {
  const more = Math.max(0, n - knee);
  return n / (c0 + c1 * more + c2 * more * more);
}

export interface Point {
  readonly n: number;
  /** n / X(n), seconds. */
  readonly perRequest: number;
  /** 1 / its relative variance. */
  readonly precision: number;
  readonly at: number;
}

export interface Curve {
  readonly coefficients: readonly [number, number, number];
  readonly knee: number;
  /** Of the coefficients, by how far points are from it. */
  readonly covariance: Float64Array;
  /** The same by the points' own variances, or by how far they are from it, where that is more. */
  readonly atLeast: Float64Array;
  /** Sum of squares of what is left, each in units of its own variance. */
  readonly left: number;
}

/**
 * The law as it is, unless one that begins at a knee explains far more: a server with several processors is as fast with as
 * many requests as it has processors as with one, and only then becomes slower.
 */
export function curveOf(points: readonly Point[]): Curve | null {
  const plain = curveFrom(points, 0);
  const bent = bestBend(points);
  if (plain === null || bent === null) return plain ?? bent;
  return bent.left < plain.left - EVIDENCE ? bent : plain;
}

/** That with the knee at which least is left: found among the levels, then between those beside it, where it may be as well. */
function bestBend(points: readonly Point[]): Curve | null {
  const knees = points.slice(1, -ABOVE_KNEE).map(({ n }) => n);
  const stride = Math.max(1, Math.ceil(knees.length / MOST_KNEES));
  const bends = (candidates: readonly number[]) => candidates.flatMap((knee) => curveFrom(points, knee) ?? []);
  let best: Curve | null = leastLeft(bends(knees.filter((_, at) => at % stride === 0)));
  if (best === null) return null;
  const [lowest, highest] = [points[0]!.n, knees.at(-1)!];
  const place = knees.indexOf(best.knee);
  const gap = Math.max(best.knee - knees[Math.max(0, place - stride)]!, (knees[place + stride] ?? highest) - best.knee);
  for (let step = gap / 2; step >= FINEST * best.knee; step /= 2) {
    const near: number[] = [best.knee - step, best.knee + step].filter((knee) => knee >= lowest && knee <= highest);
    best = leastLeft([best, ...bends(near)]) ?? best;
  }
  return best;
}

function leastLeft(curves: readonly Curve[]): Curve | null {
  return curves.reduce<Curve | null>((best, curve) => (best === null || curve.left < best.left ? curve : best), null);
}

function curveFrom(points: readonly Point[], knee: number): Curve | null {
  const equations = newEquations(3);
  for (const { n, perRequest, precision } of points) {
    const more = Math.max(0, n - knee);
    addRow(equations, [1, more, more * more], perRequest, precision / perRequest ** 2);
  }
  const solution = solveNonNegative(equations);
  const [c0 = 0, c1 = 0, c2 = 0] = solution?.values ?? [];
  if (solution === null || c0 <= 0) return null;
  const { covariance, inverse, residual, left } = solution;
  return { coefficients: [c0, c1, c2], knee, covariance, atLeast: residual < 1 ? inverse : covariance, left };
}

/** The number in flight at which throughput is highest; Infinity: there is none. @param bound as far as anything is said */
export function peakOf(curve: Curve, bound: number): { readonly value: number; readonly variance: number } {
  const { coefficients, knee, covariance } = curve;
  const [c0, c1, c2] = coefficients;
  const rest = c0 - c1 * knee;
  // What it gains beyond the knee is not worth the waiting.
  if (knee > 0 && (rest <= 0 || throughputAt(curve, bound) < WORTH * throughputAt(curve, knee))) {
    return { value: knee, variance: (knee / 8) ** 2 };
  }
  if (c2 === 0) return { value: Infinity, variance: 0 };
  const value = Math.sqrt(knee * knee + rest / c2);
  // To the first order of the errors.
  const slopes = [1, -knee, -rest / c2].map((each) => each / (2 * value * c2));
  let variance = 0;
  for (const [i, a] of slopes.entries())
    for (const [j, b] of slopes.entries()) variance += a * b * covariance[3 * i + j]!;
  return { value, variance: Math.max(0, variance) };
}
