/** Whether what was predicted is what was then seen: what Auto must have shown before it acts. */
import type { Measured } from './measured.ts';

/** Cycles in a row that must have come as predicted (placement.md 5). */
export const NEEDED = 10;
/** A host's load may be so far from what was predicted. */
const TOLERANCE = 0.15;
/** Standard errors of a count that chance alone explains. */
const CHANCE = 3;
/** Windows with fewer requests prove nothing. */
const FEWEST = 20;
/** Trust that was earned goes after so many misses in a row, and so long a time: a demand that jumps is missed, too, at first. */
const MISSES = 3;
const MISSED_FOR = 180_000;

/** Requests per second by host, if weights and demand stay. */
export interface Prediction {
  readonly load: Readonly<Record<string, number>>;
  /** Cells that took work. */
  readonly cells: number;
}

export interface Trust {
  /** Cycles in a row that came as predicted, up to NEEDED. */
  readonly good: number;
  readonly misses: number;
  /** Of the misses: milliseconds since 1970; null: there are none. */
  readonly since: number | null;
}

export const NO_TRUST: Trust = { good: 0, misses: 0, since: null };

/** After a cycle. Null for `missed`: it came as predicted, or proves nothing. */
export function judge(
  trust: Trust,
  prediction: Prediction | null,
  measured: Measured,
  now: number,
): { readonly trust: Trust; readonly missed: string | null } {
  if (prediction === null) return { trust, missed: null };
  const seen = new Map(Object.keys(prediction.load).map((host) => [host, 0]));
  let all = 0;
  for (const { server, arrivals } of measured.cells) {
    seen.set(server, (seen.get(server) ?? 0) + arrivals);
    all += arrivals;
  }
  if (all < FEWEST) return { trust, missed: null };
  const off = [...seen].find(([host, arrivals]) => isOff(prediction.load[host] ?? 0, arrivals, measured.seconds));
  if (off === undefined) return { trust: { ...NO_TRUST, good: Math.min(NEEDED, trust.good + 1) }, missed: null };
  const [host, arrivals] = off;
  const missed = `${host} had ${rate(arrivals / measured.seconds)} requests/s where ${rate(prediction.load[host] ?? 0)} were predicted`;
  return { trust: missedOnce(trust, now), missed };
}

function isOff(predicted: number, arrivals: number, seconds: number): boolean {
  const expected = predicted * seconds;
  return Math.abs(arrivals - expected) > Math.max(TOLERANCE * expected, CHANCE * Math.sqrt(Math.max(expected, 1)));
}

function missedOnce(trust: Trust, now: number): Trust {
  // A clock that was put back begins anew.
  const since = trust.since === null || trust.since > now ? now : trust.since;
  const misses = trust.misses + 1;
  const isLost = trust.good < NEEDED || (misses >= MISSES && now - since >= MISSED_FOR);
  return isLost ? NO_TRUST : { good: trust.good, misses, since };
}

export function rate(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
