/** Weighted least squares by their normal equations, which can be added to and forgotten from without the data. */

export interface Equations {
  /** Number of unknowns. */
  readonly size: number;
  /** XᵀWX, row by row; XᵀWy; yᵀWy. */
  readonly gram: Float64Array;
  readonly moment: Float64Array;
  square: number;
  /** Rows that were added, forgotten ones taken off. */
  rows: number;
}

export interface Solution {
  readonly values: readonly number[];
  /** Covariance of the values, row by row; 0 for those that were bound to 0. */
  readonly covariance: Float64Array;
  /** The same where weights are 1 / variance, which `residual` does not bear out unless it is 1. */
  readonly inverse: Float64Array;
  /** Weighted sum of squares of what is left unexplained, and that by degree of freedom. */
  readonly left: number;
  readonly residual: number;
}

export function newEquations(size: number): Equations {
  return { size, gram: new Float64Array(size * size), moment: new Float64Array(size), square: 0, rows: 0 };
}

export function addRow(equations: Equations, row: readonly number[], y: number, weight = 1): void {
  const { size, gram, moment } = equations;
  for (let i = 0; i < size; i++) {
    const weighted = weight * row[i]!;
    for (let j = 0; j < size; j++) gram[i * size + j]! += weighted * row[j]!;
    moment[i]! += weighted * y;
  }
  equations.square += weight * y * y;
  equations.rows++;
}

/** Keeps `part` (0 … 1) of what was added. */
export function forget(equations: Equations, part: number): void {
  for (const sums of [equations.gram, equations.moment]) for (const at of sums.keys()) sums[at]! *= part;
  equations.square *= part;
  equations.rows *= part;
}

/**
 * The solution of least squares none of whose values is below 0 (Lawson and Hanson's active sets, on the normal equations).
 * @param ridge per unknown, added to the diagonal after it was scaled to 1: 0 = none
 * @param among the unknowns that may be other than 0; all where absent
 * @returns null where nothing was added
 */
export function solveNonNegative(
  equations: Equations,
  ridge: readonly number[] = [],
  among: ReadonlySet<number> | null = null,
): Solution | null {
  const { size, gram, moment, square, rows } = equations;
  if (rows === 0) return null;
  // Unknowns of whatever units: each is solved for in units in which its diagonal is 1.
  const scale = Array.from({ length: size }, (_, i) => Math.sqrt(gram[i * size + i]!));
  const scaled = (i: number, j: number) =>
    gram[i * size + j]! / (scale[i]! * scale[j]!) + (i === j ? (ridge[i] ?? 0) + TINY : 0);
  const right = (i: number) => moment[i]! / scale[i]!;
  const {
    free,
    values,
    inverse: scaledInverse,
  } = activeSet(size, (i) => (scale[i]! > 0 && among?.has(i) !== false ? right(i) : -Infinity), scaled);
  const all = Array.from({ length: size }, () => 0);
  for (const [a, i] of free.entries()) all[i] = values[a]! / scale[i]!;
  let left = square;
  for (let i = 0; i < size; i++) {
    left -= 2 * all[i]! * moment[i]!;
    for (let j = 0; j < size; j++) left += all[i]! * all[j]! * gram[i * size + j]!;
  }
  const residual = Math.max(0, left) / Math.max(1, rows - free.length);
  const inverse = new Float64Array(size * size);
  for (const [a, i] of free.entries()) {
    for (const [b, j] of free.entries()) {
      inverse[i * size + j] = scaledInverse[a * free.length + b]! / (scale[i]! * scale[j]!);
    }
  }
  const covariance = inverse.map((each) => residual * each);
  return { values: all, covariance, inverse, left: Math.max(0, left), residual };
}

/** Lawson and Hanson, Solving Least Squares Problems, chapter 23. */
function activeSet(size: number, right: (i: number) => number, matrix: (i: number, j: number) => number) {
  let free: number[] = [];
  let values: number[] = [];
  let inverse: Float64Array = new Float64Array(0);
  // It ends by itself, but for the rounding of numbers.
  for (let round = 0; round < 10 * size; round++) {
    const gains = Array.from({ length: size }, (_, i) =>
      free.includes(i) ? 0 : free.reduce((gain, j, b) => gain - matrix(i, j) * values[b]!, right(i)),
    );
    const best = gains.reduce((at, gain, i) => (gain > gains[at]! ? i : at), 0);
    if (gains[best]! <= GAIN * Math.abs(right(best))) break;
    let next = [...free, best];
    let from = [...values, 0];
    for (;;) {
      inverse = invert(next, matrix);
      values = next.map((_, a) => next.reduce((sum, j, b) => sum + inverse[a * next.length + b]! * right(j), 0));
      if (values.every((value) => value > 0)) break;
      // As far towards them as none is below 0; those that are 0 then are bound.
      const step = Math.min(...values.map((value, a) => (value > 0 ? 1 : from[a]! / (from[a]! - value))));
      const reached = from.map((value, a) => value + step * (values[a]! - value));
      const kept = next.map((_, a) => values[a]! > 0 || reached[a]! > TINY);
      from = reached.filter((_, a) => kept[a]);
      next = next.filter((_, a) => kept[a]);
    }
    free = next;
  }
  return { free, values, inverse };
}

/** Part of an unknown's right side below which there is nothing to gain from it. */
const GAIN = 1e-10;
/** So that unknowns that always come together share what they explain, in place of an inverse that is not there. */
const TINY = 1e-9;

/** By Cholesky's factors. */
function invert(of: readonly number[], matrix: (i: number, j: number) => number): Float64Array {
  const n = of.length;
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix(of[i]!, of[j]!);
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      factor[i * n + j] = i === j ? Math.sqrt(Math.max(TINY * TINY, sum)) : sum / factor[j * n + j]!;
    }
  }
  const inverse = new Float64Array(n * n);
  const column = new Float64Array(n);
  for (let c = 0; c < n; c++) {
    for (let i = 0; i < n; i++) {
      let sum = i === c ? 1 : 0;
      for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * column[k]!;
      column[i] = sum / factor[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = column[i]!;
      for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * column[k]!;
      column[i] = sum / factor[i * n + i]!;
      inverse[i * n + c] = column[i]!;
    }
  }
  return inverse;
}
