/** Loads → weights and caps, as the dispatcher takes them. */

/** Sum of the weights of a column; 100 where people read them. */
export const SCALE = 10_000;

export interface WeightedCell {
  /** Of the host; ties are broken by it. */
  readonly name: string;
  /** Requests/s. */
  readonly load: number;
  /** Weight in force; null: none. */
  readonly old: number | null;
}

/**
 * Weights of one column's cells by largest remainder: they sum to `scale`, and none is a whole unit from its share, but for
 * cells of less than one unit, which get 1 so that their instances stay warm. A column without load keeps the weights that it
 * has; without those, all are equal.
 */
export function weightsOf(cells: readonly WeightedCell[], scale = SCALE): number[] {
  const total = cells.reduce((sum, { load }) => sum + load, 0);
  if (total <= 0) {
    const kept = cells.some(({ old }) => old !== null && old > 0);
    return cells.map(({ old }) => (kept ? (old ?? 0) : 1));
  }
  return largestRemainder(
    cells.map(({ load }) => (scale * load) / total),
    cells.map(({ name }) => name),
    scale,
  );
}

/** Little's law with room for chance: min(N*, max(4, ceil(N + 3 sqrt(N) + 1))), N = rate * seconds, not above N_h. */
export function capOf(rate: number, seconds: number, peak: number, hostCap: number): number | null {
  if (seconds <= 0) return null;
  const mean = rate * seconds;
  let cap = Math.max(4, Math.ceil(mean + 3 * Math.sqrt(mean) + 1));
  if (peak > 0) cap = Math.min(cap, Math.max(1, Math.floor(peak)));
  if (hostCap > 0) cap = Math.min(cap, Math.max(1, Math.floor(hostCap)));
  return cap;
}

/** A cap divided over proxy replicas by their traffic; each has at least 1. */
export function divideCap(cap: number, traffic: readonly number[]): number[] {
  const total = traffic.reduce((sum, each) => sum + each, 0);
  const share = (each: number): number => (total > 0 ? (cap * each) / total : cap / traffic.length);
  return largestRemainder(
    traffic.map(share),
    traffic.map((_, at) => String(at).padStart(6, '0')),
    cap,
  );
}

/** Whole numbers of at least 1 that sum to `sum`, where there are so many: each part rounded down, the rest to the largest remainders. */
function largestRemainder(parts: readonly number[], names: readonly string[], sum: number): number[] {
  const whole = parts.map((part) => Math.max(1, Math.floor(part)));
  let left = sum - whole.reduce((a, b) => a + b, 0);
  const order = parts
    .map((part, at) => ({ at, remainder: part < 1 ? -1 : part - Math.floor(part) }))
    .toSorted((x, y) => y.remainder - x.remainder || (names[x.at]! < names[y.at]! ? -1 : 1));
  for (const { at } of order) {
    if (left <= 0) break;
    whole[at]!++;
    left--;
  }
  // Cells of less than a unit took what the others lack: from the largest, where it is felt least.
  for (; left < 0; left++) {
    const largest = whole.reduce((best, each, at) => (each > whole[best]! ? at : best), 0);
    if (whole[largest]! <= 1) break;
    whole[largest]!--;
  }
  return whole;
}
