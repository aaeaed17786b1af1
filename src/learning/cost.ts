/**
 * What a request takes of a resource: the use of an instance in many windows, regressed on how many requests of each class it
 * answered in them, none of the costs below 0. What it uses when nothing is asked of it is taken off, and found only where it
 * has rested: an instance that is always busy uses about the same in all windows, however many answers come out of them, and a
 * regression would take all of that for idle use.
 */
import type { Estimate } from './figure.ts';
import { addRow, type Equations, forget, newEquations, solveNonNegative } from './normal-equations.ts';

/** Seconds of windows that are remembered. */
const MEMORY = 4 * 3600;
/** Windows without which nothing is said. */
const ENOUGH = 20;

/** Windows of rest differ by no more than this factor. */
const ALIKE = 2;

export interface CostBook {
  /** Apps that are the workload's classes; the first unknown is the use per second of an idle instance. */
  readonly apps: readonly string[];
  readonly equations: Equations;
  /** Answers by app. */
  readonly answered: number[];
  at: number;
  /** Windows of rest: their seconds, what was used in them, its squares by second, and how many they are. */
  rest: { seconds: number; use: number; squares: number; windows: number; at: number };
}

export function newCostBook(apps: readonly string[]): CostBook {
  return { apps, equations: newEquations(apps.length + 1), answered: apps.map(() => 0), at: 0, rest: noRest() };
}

export function noRest(): CostBook['rest'] {
  return { seconds: 0, use: 0, squares: 0, windows: 0, at: 0 };
}

/** A window in which nothing was asked of an instance, nor in the one before. */
export function addIdle(book: CostBook, use: number, seconds: number, now: number): void {
  const mean = book.rest.seconds > 0 ? book.rest.use / book.rest.seconds : Infinity;
  const here = use / seconds;
  // It works still for clients that have left.
  if (here > ALIKE * mean) return;
  // And did so until now.
  if (here * ALIKE < mean) book.rest = noRest();
  const { rest } = book;
  const kept = Math.exp(-seconds / MEMORY);
  rest.seconds = rest.seconds * kept + seconds;
  rest.use = rest.use * kept + use;
  rest.squares = rest.squares * kept + (use * use) / seconds;
  rest.windows = rest.windows * kept + 1;
  rest.at = now;
}

/**
 * @param use of one resource by one instance: core-seconds, bytes
 * @param answered by app, in the order of the book
 */
export function addUse(book: CostBook, use: number, answered: readonly number[], seconds: number, now: number): void {
  const total = answered.reduce((sum, each) => sum + each, 0);
  forget(book.equations, Math.exp(-seconds / MEMORY));
  // Costs differ from one request to the next: the variance of a window's use is that of so many.
  addRow(book.equations, [seconds, ...answered], use, 1 / Math.max(1, total));
  for (const [at, count] of answered.entries()) book.answered[at]! += count;
  if (total > 0) book.at = now;
}

export interface Costs {
  /** Per second, of an instance that answers nothing. */
  readonly idle: Estimate;
  readonly byApp: ReadonlyMap<string, Estimate>;
}

/** Null: there are too few windows. Apps of which nothing was answered are left out. */
export function costsOf({ apps, equations, answered, at, rest }: CostBook): Costs | null {
  if (equations.rows < ENOUGH) return null;
  const idle = idleOf(rest);
  const solution = solveNonNegative(less(equations, idle.value), [], new Set(apps.map((_, index) => index + 1)));
  if (solution === null) return null;
  const estimate = (unknown: number, count: number): Estimate => ({
    value: solution.values[unknown]!,
    variance: solution.covariance[unknown * (apps.length + 1) + unknown]!,
    count,
    at,
  });
  const known = apps.flatMap((app, index): [string, Estimate][] =>
    answered[index]! > 0 ? [[app, estimate(index + 1, answered[index]!)]] : [],
  );
  return { idle, byApp: new Map(known) };
}

function idleOf({ seconds, use, squares, windows, at }: CostBook['rest']): Estimate {
  if (seconds === 0) return { value: 0, count: 0, variance: 0, at };
  const value = use / seconds;
  const variance = windows < 2 ? value * value : Math.max(0, squares / seconds - value * value) / (windows - 1);
  return { value, count: Math.round(windows), variance, at };
}

/** What was used beyond so much per second. */
function less(equations: Equations, idle: number): Equations {
  const { gram, moment, square, size } = equations;
  return {
    ...equations,
    moment: moment.map((each, at) => each - idle * gram[at * size]!),
    square: square - 2 * idle * moment[0]! + idle * idle * gram[0]!,
  };
}
