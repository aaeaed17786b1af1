/**
 * What a request takes of a resource: the use of an instance in many windows, regressed on how many requests of each class it
 * answered in them, none of the costs below 0. What it uses without answering anything is found with it.
 */
import type { Estimate } from './figure.ts';
import { addRow, type Equations, forget, newEquations, solveNonNegative } from './normal-equations.ts';

/** Seconds of windows that are remembered. */
const MEMORY = 4 * 3600;
/** Windows without which nothing is said. */
const ENOUGH = 20;

export interface CostBook {
  /** Apps that are the workload's classes; the first unknown is the use of an idle instance. */
  readonly apps: readonly string[];
  readonly equations: Equations;
  /** Answers by app. */
  readonly answered: number[];
  at: number;
}

export function newCostBook(apps: readonly string[]): CostBook {
  return { apps, equations: newEquations(apps.length + 1), answered: apps.map(() => 0), at: 0 };
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
export function costsOf({ apps, equations, answered, at }: CostBook): Costs | null {
  const solution = equations.rows < ENOUGH ? null : solveNonNegative(equations);
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
  return { idle: estimate(0, Math.round(equations.rows)), byApp: new Map(known) };
}
