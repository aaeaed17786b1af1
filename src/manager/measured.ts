/** What was counted during a cycle, and whether it may be relied on. */
import type { AnswerTimes } from '../model/answer-times.ts';

export interface Measured {
  /** Proxies whose counts these are, and all that serve. */
  readonly proxies: { readonly heard: number; readonly all: number };
  /** Seconds since the oldest of these counts was taken. */
  readonly age: number;
  /** Length of the window that was counted in, in seconds. */
  readonly seconds: number;
  readonly cells: readonly MeasuredCell[];
}

export interface MeasuredCell {
  readonly app: string;
  readonly server: string;
  /** Requests that were sent there first. */
  readonly arrivals: number;
  /** Requests that were answered, and the seconds that took. */
  readonly answered: number;
  readonly seconds: number;
  /** Answers by how long they took; absent: it was not counted. */
  readonly times?: AnswerTimes;
  /** Tries that failed. */
  readonly failures: number;
}

/** placement.md 5: what is decided on. */
const PROXIES = 0.9;
const INTERVALS = 2;

/**
 * Why nothing may be decided on this; null: it may be.
 * @param interval seconds between two cycles
 */
export function lackOf(measured: Measured | null, interval: number): string | null {
  if (measured === null) return 'nothing was counted over a whole interval yet';
  const { proxies, age, cells } = measured;
  if (proxies.all === 0) return 'no proxy serves';
  if (proxies.heard < PROXIES * proxies.all) {
    return `counts came from ${proxies.heard} of ${proxies.all} proxies, and nine of ten are needed`;
  }
  if (age > INTERVALS * interval) return `the counts are ${Math.round(age)} s old, more than two intervals`;
  for (const { app, server, arrivals, answered, seconds, failures } of cells) {
    const numbers = { arrivals, answered, seconds, failures };
    const wrong = Object.entries(numbers).find(([, each]) => !(Number.isFinite(each) && each >= 0));
    if (wrong !== undefined) return `app ${app} on ${server} is said to have ${wrong[1]} ${wrong[0]}, which cannot be`;
  }
  return null;
}

/** So much more, or less, within one cycle is not believed the first time. */
const JUMP = 100;
/** Rates below this are as good as none: from there, any number of requests may come. */
const LEAST_RATE = 1;

/** Demands and costs that a problem was made of. */
export type Figures = Readonly<Record<string, number>>;

/** Which figure is beyond belief beside those of the cycle before; null: none. */
export function jumpOf(before: Figures, now: Figures): string | null {
  for (const [name, value] of Object.entries(now)) {
    const former = before[name];
    if (former === undefined) continue;
    const least = name.endsWith(DEMAND) ? LEAST_RATE : 0;
    const [a, b] = [Math.max(former, least), Math.max(value, least)];
    if (Math.max(a, b) >= JUMP * Math.min(a, b))
      return `${name} went from ${short(former)} to ${short(value)} in one cycle`;
  }
  return null;
}

const DEMAND = ' demand';

export function figuresOf(
  columns: readonly { readonly name: string; readonly rate: number; readonly cost: Readonly<Record<string, number>> }[],
): Figures {
  return Object.fromEntries(
    columns.flatMap(({ name, rate, cost }) => [
      [`app ${name}: its${DEMAND}`, rate],
      ...Object.entries(cost).map(([resource, amount]) => [`app ${name}: its cost of ${resource}`, amount]),
    ]),
  ) as Figures;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
