/** At which numbers in flight a fitted law says what throughput is, and not only what it might be. */
import { inflightAt, LEVELS } from '../model/levels.ts';
import type { LevelRange } from '../model/profiles.ts';
import { type Curve, type Point, throughputAt } from './throughput-curve.ts';

/** Throughput is known where it is within so much of what the law says, that being so many standard errors. */
const PART = 0.1;
const ERRORS = 2.5;
/** So many standard errors from the law, what was seen at an end speaks against it. */
const ELSEWHERE = 2;

/**
 * The levels in a row at which it is known, from one that was seen to one that was; where there are several such stretches,
 * that of which most was seen. Levels at its ends that were seen to be elsewhere are none of it: the law may not hold there.
 */
export function knownLevels(curve: Curve, points: readonly Point[]): LevelRange | null {
  const stretches: Point[][] = [[]];
  let next = 0;
  for (let level = 0; level < LEVELS && next < points.length; level++) {
    const n = inflightAt(level);
    if (n < points[0]!.n) continue;
    if (ERRORS * errorAt(curve, n) > PART) stretches.push([]);
    else if (n === points[next]!.n) stretches.at(-1)!.push(points[next]!);
    if (n === points[next]!.n) next++;
  }
  const most = Math.max(...stretches.map(seen));
  const holds = stretches.find((each) => seen(each) === most)!.filter((point) => isOn(curve, point));
  return holds.length === 0 ? null : { lowest: holds[0]!.n, highest: holds.at(-1)!.n };
}

const seen = (points: readonly Point[]): number => points.reduce((sum, { precision }) => sum + precision, 0);

/** Of throughput with n in flight, as a part of it. */
function errorAt(curve: Curve, n: number): number {
  const { atLeast, knee } = curve;
  const more = Math.max(0, n - knee);
  const powers = [1, more, more * more];
  let variance = 0;
  for (const [i, a] of powers.entries()) for (const [j, b] of powers.entries()) variance += a * b * atLeast[3 * i + j]!;
  return (Math.sqrt(Math.max(0, variance)) * throughputAt(curve, n)) / n;
}

function isOn(curve: Curve, { n, perRequest, precision }: Point): boolean {
  return Math.abs((perRequest * throughputAt(curve, n)) / n - 1) * Math.sqrt(precision) <= ELSEWHERE;
}
