/**
 * One cycle of a matrix' manager: what it knew, what was seen since and what the solver says → what it knows now, the weights
 * that rule and why. The rules are those of placement.md 5; whatever is in doubt, the weights stay as they are.
 */
import { carryOver, type Computing, type Rows, sameRow, withCaps } from '../model/matrix-rows.ts';
import type { Result } from '../placement/result.ts';
import { capThatDiffers, plannedCaps } from './caps.ts';
import { type Expected, expectedOf } from './expected.ts';
import { KEPT, windowOf, worseThan } from './health.ts';
import { figuresOf, jumpOf, lackOf, type Measured } from './measured.ts';
import type { Planned } from './problem-of.ts';
import type { ComputedRows, ManagerState, Watch } from './state.ts';
import { type Loads, partOfTheWay, rowsTowards } from './step.ts';
import { judge, NEEDED } from './trust.ts';

export interface CycleInputs {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly mode: 'Recommend' | 'Auto';
  readonly paused: boolean;
  /** Seconds between two cycles. */
  readonly interval: number;
  /** spec.rows. */
  readonly given: Rows;
  /** Null: nothing was counted over a whole window. */
  readonly measured: Measured | null;
  readonly answer: Answer;
  readonly computing: Computing;
}

export type Answer =
  | { readonly kind: 'Solved'; readonly planned: Planned; readonly load: Result['load'] }
  /** Why there is no answer: what is missing, or what went wrong. */
  | { readonly kind: 'None'; readonly why: readonly string[] };

export interface Outcome {
  readonly state: ManagerState;
  readonly did: 'Held' | 'Moved' | 'RolledBack';
  /** For people. */
  readonly why: string;
  /** What is recommended; null: nothing could be computed. */
  readonly recommended: Recommended | null;
}

export interface Recommended {
  readonly rows: Rows;
  readonly expected: Expected;
  /** What the weights that ruled until now do with the same demand. */
  readonly present: Expected;
}

/** What is not better by so much is not worth a change (placement.md 5). */
const LEAST_UTILIZATION = 0.05;
const LEAST_SERVED = 0.01;
/** Windows that decide about a change, one way or the other. */
const WINDOWS = 2;
/** Milliseconds for which nothing is changed after a step back. */
const HOLD = 30 * 60_000;

export function cycle(before: ManagerState, inputs: CycleInputs): Outcome {
  const { mode, given, now, measured, answer } = inputs;
  const rows = mode === 'Auto' ? timedRows(carryOver(given, before.rows, inputs.computing), before.rows, now) : null;
  const kept: ManagerState = { ...before, rows, watch: rows === null ? null : before.watch };
  if (inputs.paused) return held({ ...kept, prediction: null, watch: null }, PAUSED);
  const lack = lackOf(measured, inputs.interval);
  if (measured === null || lack !== null) {
    // What is missing stands in the way whatever is counted.
    return held(
      { ...kept, prediction: null },
      answer.kind === 'None' ? listed(answer.why) : `the weights stay: ${lack}`,
    );
  }
  const looked = look(kept, measured);
  if (looked.back !== null) return rolledBack(looked.state, looked.back, inputs);
  if (answer.kind === 'None') return held({ ...looked.state, prediction: null }, listed(answer.why));
  return decide(looked.state, { ...inputs, measured, answer }, looked.worse);
}

const PAUSED = 'placement.paused is set: the weights stay as they are';

/** What became of a change. `back`: why it must be taken back; `worse`: what speaks for it, but does not do yet. */
function look(
  state: ManagerState,
  measured: Measured,
): { readonly state: ManagerState; readonly back: WatchedChange | null; readonly worse: string | null } {
  const window = windowOf(measured);
  const looked = { ...state, windows: [...state.windows, window].slice(-KEPT) };
  const { watch } = state;
  if (watch === null) return { state: looked, back: null, worse: null };
  const found = worseThan(watch.windows, window);
  const worse = Object.fromEntries(Object.keys(found).map((app) => [app, (watch.worse[app] ?? 0) + 1]));
  const twice = Object.keys(found).find((app) => worse[app]! >= WINDOWS);
  if (twice !== undefined) return { state: looked, back: { watch, why: `app ${twice}: ${found[twice]}` }, worse: null };
  const [once] = Object.entries(found);
  const fine = once === undefined ? watch.fine + 1 : 0;
  return {
    state: { ...looked, watch: fine >= WINDOWS ? null : { ...watch, fine, worse } },
    back: null,
    worse: once === undefined ? null : `app ${once[0]}: ${once[1]}`,
  };
}

interface WatchedChange {
  readonly watch: Watch;
  readonly why: string;
}

function rolledBack(
  state: ManagerState,
  { watch, why }: WatchedChange,
  { given, now, computing }: CycleInputs,
): Outcome {
  const holdUntil = now + HOLD;
  const rows = timedRows(carryOver(given, watch.before, computing), state.rows, now);
  return {
    state: { ...state, rows, prediction: null, windows: [], watch: null, holdUntil },
    did: 'RolledBack',
    why: `the weights are again as they were before the last change, and stay so until ${time(holdUntil)}: ${why}, in two windows in a row`,
    recommended: null,
  };
}

interface Decidable extends CycleInputs {
  readonly measured: Measured;
  readonly answer: Extract<Answer, { kind: 'Solved' }>;
}

function decide(state: ManagerState, inputs: Decidable, worse: string | null): Outcome {
  const { answer, measured, now, given, mode } = inputs;
  const { planned } = answer;
  const figures = figuresOf(planned.problem.columns);
  const jump = jumpOf(state.figures, figures);
  if (jump !== null) {
    return held({ ...state, figures, prediction: null }, `the weights stay: ${jump}, which is not believed at once`);
  }
  const cells = planned.problem.load.length;
  // What was predicted for other cells was not wrong.
  const prediction = state.prediction?.cells === cells ? state.prediction : null;
  const { trust, missed } = judge(state.trust, prediction, measured, now);

  const inForce = state.rows ?? given;
  const loads = loadsOf(planned, answer.load);
  const capped = (weights: Rows): Rows => withCaps(weights, plannedCaps(planned, weights), given);
  const rows = capped(rowsTowards(inForce, loads, 1));
  const [present, expected] = [expectedOf(planned, inForce), expectedOf(planned, rows)];
  const recommended = { rows, expected, present };
  const next = { ...state, figures, trust, prediction: { load: present.load, cells } };
  const isBetter = isWorthIt(present, expected);
  const cap = isBetter ? null : capThatDiffers(inForce, capped(inForce));
  if (!isBetter && cap === null) return held(next, noGain(recommended), recommended);
  const reason = cap === null ? gainText(recommended) : `caps follow what is planned: ${cap}`;
  const stays = mode === 'Recommend' ? proven(trust.good, missed) : stayText(next, { worse, missed, now });
  if (stays !== null) return held(next, `${reason}; ${stays}`, recommended);

  const part = partOfTheWay(inForce, loads);
  const moved = capped(isBetter ? rowsTowards(inForce, loads, part) : inForce);
  const watch = { before: state.rows, windows: state.windows, worse: {}, ...state.watch, fine: 0 };
  return {
    state: {
      ...next,
      rows: timedRows(moved, state.rows, now),
      watch,
      prediction: { load: expectedOf(planned, moved).load, cells },
      holdUntil: null,
    },
    did: 'Moved',
    why: !isBetter || part === 1 ? reason : `${reason}; a step of that, ${percent(part)} of the way`,
    recommended,
  };
}

function isWorthIt(present: Expected, expected: Expected): boolean {
  if (expected.satisfied - present.satisfied >= LEAST_SERVED) return true;
  return (
    present.utilization - expected.utilization >= LEAST_UTILIZATION && expected.satisfied >= present.satisfied - 1e-6
  );
}

/** Why no instances are started or stopped after a cycle in Auto; null: they may be. Weights go first. */
export function stillText({ state, did }: Outcome, now: number): string | null {
  if (did !== 'Held') return 'instances stay, since weights have just been changed';
  const [worse] = Object.keys(state.watch?.worse ?? {});
  const text = stayText(state, { worse: worse === undefined ? null : `app ${worse} was worse off`, missed: null, now });
  return text?.replace(/^the weights stay/, 'instances stay') ?? null;
}

/** Why Auto does not act; null: it does. */
function stayText(
  { trust, holdUntil }: ManagerState,
  { worse, missed, now }: { readonly worse: string | null; readonly missed: string | null; readonly now: number },
): string | null {
  if (trust.good < NEEDED) return `the weights stay until it is proven: ${proven(trust.good, missed)}`;
  // A clock that was put back does not make it longer.
  if (holdUntil !== null && holdUntil > now && holdUntil - now <= HOLD) {
    return `the weights stay until ${time(holdUntil)}, since the last change was taken back`;
  }
  return worse === null ? null : `the weights stay for a window, since after the last change ${worse}`;
}

function proven(good: number, missed: string | null): string {
  const count = `${good} of ${NEEDED} cycles in a row came as predicted`;
  return missed === null ? count : `${count}; in the last one ${missed}`;
}

function gainText({ present, expected }: Recommended): string {
  const level = `with these weights the fullest host, ${expected.fullest}, is used to ${percent(expected.utilization)}; with those in force ${present.fullest} is, to ${percent(present.utilization)}`;
  if (expected.satisfied - present.satisfied < LEAST_SERVED) return level;
  return `${level}, and ${percent(present.satisfied)} of the demand is served in place of ${percent(expected.satisfied)}`;
}

function noGain({ present, expected }: Recommended): string {
  return `the weights are as good as any: ${present.fullest} is used to ${percent(present.utilization)}, and with others the fullest host would be to ${percent(expected.utilization)}`;
}

/** All cells of the problem: those that the solver gives nothing have none. */
function loadsOf({ problem }: Planned, load: Result['load']): Loads {
  const loads = new Map<string, Map<string, number>>(problem.columns.map(({ name }) => [name, new Map()]));
  for (const { host, column } of problem.load) loads.get(column)!.set(host, 0);
  for (const { host, column, rate } of load) loads.get(column)!.set(host, rate);
  return loads;
}

/** More of them help nobody. */
const MOST_LISTED = 10;

function listed(why: readonly string[]): string {
  const more = why.length - MOST_LISTED;
  return [...why.slice(0, MOST_LISTED), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function held(state: ManagerState, why: string, recommended: Recommended | null = null): Outcome {
  return { state, did: 'Held', why, recommended };
}

/** A row that does not change keeps its time. */
export function timedRows(rows: Rows | null, before: ComputedRows | null, now: number): ComputedRows | null {
  const former = new Map((before ?? []).map((row) => [row.server, row]));
  return (
    rows?.map((row) => {
      const same = former.get(row.server);
      return same !== undefined && sameRow(same, row) ? same : { ...row, since: time(now) };
    }) ?? null
  );
}

function time(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

function percent(part: number): string {
  return Number.isFinite(part) ? `${(100 * part).toFixed(0)} %` : 'more than it has';
}
