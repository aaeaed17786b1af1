/** Whether the clients of an app are worse off than before a change, beyond noise. */
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
/** Answers that take longer while so much more is asked for say nothing of the weights. */
const MORE_ASKED = 1.15;

export function windowOf({ cells, seconds }: Measured): Window {
  const apps: Record<string, { rate: number; tries: number; failures: number; answered: number; seconds: number }> = {};
  for (const cell of cells) {
    const app = (apps[cell.app] ??= { rate: 0, tries: 0, failures: 0, answered: 0, seconds: 0 });
    app.rate += cell.arrivals / seconds;
    // A failure that was an answer is among those, too.
    app.tries += Math.max(cell.answered, cell.failures);
    app.failures += cell.failures;
    app.answered += cell.answered;
    app.seconds += cell.seconds;
  }
  return apps;
}

/** By app, what is worse than in the windows before; empty: nothing is. */
export function worseThan(before: readonly Window[], now: Window): Record<string, string> {
  const worse: Record<string, string> = {};
  for (const [app, window] of Object.entries(now)) {
    const former = before.flatMap((each) => each[app] ?? []);
    const why = moreFailures(former, window) ?? slower(former, window);
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
  if (means.length < 2 || now.answered < FEWEST) return null;
  if (now.rate > MORE_ASKED * Math.max(...before.map((each) => each.rate))) return null;
  const was = means.reduce((a, b) => a + b) / means.length;
  const spread = Math.sqrt(means.reduce((a, b) => a + (b - was) ** 2, 0) / (means.length - 1));
  const is = now.seconds / now.answered;
  if (is - was <= Math.max(BEYOND * spread, LEAST_PART * was, LEAST_SECONDS)) return null;
  return `its answers take ${milliseconds(is)} ms, before ${milliseconds(was)} ms`;
}

function sum(windows: readonly AppWindow[], of: (window: AppWindow) => number): number {
  return windows.reduce((total, each) => total + of(each), 0);
}

const percent = (part: number): string => (100 * part).toFixed(1);
const milliseconds = (seconds: number): string => String(Number((1000 * seconds).toPrecision(3)));
