/**
 * phi(u) = u / (1 - u), the mean number of requests in an M/M/1 queue at utilisation u, as a convex piecewise-linear function
 * of eight segments. (A plain smallest largest utilisation is degenerate: it piles load on few hosts.) On a host it is
 * weighted by the host's capacity, so that equal utilisations are best; else large hosts would be run hotter.
 */
const POINTS = [0, 0.3, 0.5, 0.65, 0.75, 0.85, 0.92, 0.97, 1] as const;
/** phi at 1 is infinite; the last segment is this much steeper than the one before. */
const LAST = 3;

export interface Segment {
  readonly width: number;
  readonly slope: number;
}

export const CROWDING: readonly Segment[] = segments();

function segments(): Segment[] {
  const found: Segment[] = [];
  for (let at = 1; at < POINTS.length; at++) {
    const [from, to] = [POINTS[at - 1]!, POINTS[at]!];
    const before = found.at(-1)?.slope ?? 0;
    found.push({ width: to - from, slope: to === 1 ? LAST * before : (phi(to) - phi(from)) / (to - from) });
  }
  return found;
}

/** phi(u) by its segments. */
export function crowding(utilisation: number): number {
  let sum = 0;
  let left = utilisation;
  for (const { width, slope } of CROWDING) {
    sum += slope * Math.min(left, width);
    left -= width;
    if (left <= 0) break;
  }
  return left > 0 ? sum + left * CROWDING.at(-1)!.slope : sum;
}

function phi(u: number): number {
  return u / (1 - u);
}
