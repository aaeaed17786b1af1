/** Whether the clients of an app are worse off than before a change, beyond noise. */
import { addTimes, type AnswerTimes, timeQuantile, timesAbove } from '../model/answer-times.ts';
import type { Measured } from './measured.ts';

/** What an app's requests got in one window. */
export interface AppWindow {
  /** Arrivals per second. */
  readonly rate: number;
  readonly tries: number;
  readonly failures: number;
  readonly answered: number;
  /** Sum over what was answered. */
  readonly seconds: number;
  /** What was answered by how long it took; empty: it was not counted. */
  readonly times: AnswerTimes;
}

/** By app. */
export type Window = Readonly<Record<string, AppWindow>>;

/** Windows before a change that are compared with. */
export const KEPT = 5;
/** Fewer requests in a window prove nothing. */
const FEWEST = 20;
/** Standard errors. */
const BEYOND = 3;
/** What is below is not worth a step back, whatever is certain about it: a part of failures, seconds, and a part of those. */
const LEAST_FAILURES = 0.005;
const LEAST_SECONDS = 0.002;
const LEAST_PART = 0.1;
/**
 * The slowest: of a hundred answers one. Of fewer answers than so many, too few are among them; buckets are wide, so that a smaller
 * part of a difference is not known.
 */
const SLOW = 0.99;
const FEWEST_SLOW = 500;
const LEAST_PART_SLOW = 0.25;
/** Answers that take longer while so much more is asked for say nothing of the weights. */
const MORE_ASKED = 1.15;

export function windowOf({ cells, seconds }: Measured): Window {
  const apps: Record<string, { -readonly [name in keyof AppWindow]: AppWindow[name] }> = {};
  for (const cell of cells) {
    const app = (apps[cell.app] ??= { rate: 0, tries: 0, failures: 0, answered: 0, seconds: 0, times: [] });
    app.rate += cell.arrivals / seconds;
    // A failure that was an answer is among those, too.
    app.tries += Math.max(cell.answered, cell.failures);
    app.failures += cell.failures;
    app.answered += cell.answered;
    app.seconds += cell.seconds;
    app.times = addTimes(app.times, cell.times);
  }
  return apps;
}

/** By app, what is worse than in the windows before; empty: nothing is. */
export function worseThan(before: readonly Window[], now: Window): Record<string, string> {
  const worse: Record<string, string> = {};
  for (const [app, window] of Object.entries(now)) {
    const former = before.flatMap((each) => each[app] ?? []);
    const why = moreFailures(former, window) ?? slower(former, window) ?? slowerSlowest(former, window);
    if (why !== null) worse[app] = why;
  }
  return worse;
}

function moreFailures(before: readonly AppWindow[], now: AppWindow): string | null {
  const tries = sum(before, (each) => each.tries);
  if (tries < FEWEST || now.tries < FEWEST) return null;
  const failures = sum(before, (each) => each.failures);
  const [was, is] = [failures / tries, now.failures / now.tries];
  // One more of each: that none has failed yet does not mean that none can.
  const part = (failures + 1) / (tries + 2);
  const noise = BEYOND * Math.sqrt((part * (1 - part)) / now.tries);
  if (is <= part + noise || is - was <= LEAST_FAILURES) return null;
  return `${percent(is)} % of its tries fail, before ${percent(was)} %`;
}

function slower(before: readonly AppWindow[], now: AppWindow): string | null {
  const means = before.filter(({ answered }) => answered >= FEWEST).map(({ seconds, answered }) => seconds / answered);
  if (means.length < 2 || now.answered < FEWEST || isAskedMore(before, now)) return null;
  const was = means.reduce((a, b) => a + b) / means.length;
  const is = now.seconds / now.answered;
  if (is - was <= Math.max(BEYOND * spreadOf(means), LEAST_PART * was, LEAST_SECONDS)) return null;
  return `its answers take ${milliseconds(is)} ms, before ${milliseconds(was)} ms`;
}

/** Whether more answers take longer than all but one of a hundred did than chance makes them, and much longer. */
function slowerSlowest(before: readonly AppWindow[], now: AppWindow): string | null {
  const enough = before.filter(({ answered, times }) => answered >= FEWEST_SLOW && times.length > 0);
  if (enough.length < 2 || now.answered < FEWEST_SLOW || isAskedMore(before, now)) return null;
  const was = timeQuantile(
    enough.reduce((all: AnswerTimes, { times }) => addTimes(all, times), []),
    SLOW,
  );
  const is = timeQuantile(now.times, SLOW);
  if (was === null || is === null) return null;
  // What it is compared with was counted, too, and is as uncertain.
  const expected = (1 - SLOW) * now.answered;
  const uncertain = 1 + now.answered / sum(enough, (each) => each.answered);
  if (timesAbove(now.times, was) <= expected + BEYOND * Math.sqrt(expected * uncertain)) return null;
  const each = enough.map(({ times }) => timeQuantile(times, SLOW)!);
  if (is - was <= Math.max(BEYOND * spreadOf(each), LEAST_PART_SLOW * was, 1000 * LEAST_SECONDS)) return null;
  return `one of a hundred of its answers takes more than ${milliseconds(is / 1000)} ms, before ${milliseconds(was / 1000)} ms`;
}

function isAskedMore(before: readonly AppWindow[], now: AppWindow): boolean {
  return now.rate > MORE_ASKED * Math.max(...before.map((each) => each.rate));
}

/** Standard deviation of what differs from window to window. */
function spreadOf(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
}

function sum(windows: readonly AppWindow[], of: (window: AppWindow) => number): number {
  return windows.reduce((total, each) => total + of(each), 0);
}

const percent = (part: number): string => (100 * part).toFixed(1);
const milliseconds = (seconds: number): string => String(Number((1000 * seconds).toPrecision(3)));
