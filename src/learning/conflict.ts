/**
 * How much more of a resource a request takes beside other workloads on its server, and per further request in flight there.
 *
 * Only from resource-seconds per answer, never from response times: two workloads that share a processor make each other wait
 * without costing each other anything, and latency would show a conflict of 0.3 to 0.9 where there is none. And only from
 * what varies within minutes: over a day all load rises and falls together, which is no evidence of anything, so that running
 * means are taken off first. Ridge regression, its ridge on neighbours alone.
 */
import type { Estimate } from './figure.ts';
import { addRow, type Equations, forget, newEquations, type Solution, solveNonNegative } from './normal-equations.ts';

/** Seconds: of windows that are remembered, and of the running means. */
const MEMORY = 4 * 3600;
const MINUTES = 300;
/** How much of a mean there must be: before, its own beginning would be taken for news. */
const SETTLED = 0.9;
const ENOUGH = 60;
const RIDGE = 0.001;
const CERTAIN = 3;
/** Seconds in which the busiest that a neighbour has been is forgotten by two thirds: a week. */
const FADING = 7 * 24 * 3600;

export interface ConflictBook {
  readonly apps: readonly string[];
  /** Workloads that share servers with it. */
  readonly neighbours: readonly string[];
  /** Unknowns: the cost of each app with nothing else in flight, growth, each neighbour. */
  readonly equations: Equations;
  /** By server: running means of use, and of the rows. */
  readonly means: Map<string, { weight: number; readonly values: number[] }>;
  at: number;
}

export function newConflictBook(apps: readonly string[], neighbours: readonly string[]): ConflictBook {
  return { apps, neighbours, equations: newEquations(apps.length + 1 + neighbours.length), means: new Map(), at: 0 };
}

export interface ConflictWindow {
  readonly server: string;
  readonly use: number;
  /** By app, in the order of the book. */
  readonly answered: readonly number[];
  /** What the answers should have taken, by their mean costs. */
  readonly expected: number;
  /** Mean number of requests in flight at the server, of all workloads. */
  readonly inflight: number;
  /** By neighbour, in the order of the book: how busy it was there, 0 … 1, 1 = as it was at its busiest. */
  readonly pressure: readonly number[];
}

export function addConflictWindow(book: ConflictBook, window: ConflictWindow, seconds: number, now: number): void {
  const { server, use, answered, expected, inflight, pressure } = window;
  const values = [use, ...answered, expected * inflight, ...pressure.map((each) => expected * each)];
  let mean = book.means.get(server);
  if (mean === undefined) book.means.set(server, (mean = { weight: 0, values: values.map(() => 0) }));
  const share = 1 - Math.exp(-seconds / MINUTES);
  mean.weight += share * (1 - mean.weight);
  for (const [at, value] of values.entries()) mean.values[at]! += share * (value - mean.values[at]!);
  if (mean.weight < SETTLED) return;
  const [off = 0, ...row] = values.map((value, at) => value - mean.values[at]! / mean.weight);
  forget(book.equations, Math.exp(-seconds / MEMORY));
  const total = answered.reduce((sum, each) => sum + each, 0);
  addRow(book.equations, row, off, 1 / Math.max(1, total));
  book.at = now;
}

export interface Conflicts {
  /** What a request takes with nothing else in flight at its server, by app. */
  readonly alone: ReadonlyMap<string, Estimate>;
  /** Part of that which each further request in flight at the server adds. */
  readonly growth: Estimate;
  /** Part of that which a neighbour at its busiest adds. */
  readonly factors: ReadonlyMap<string, Estimate>;
}

/**
 * Null: there are too few windows.
 * @param mean cost of each app, in the order of the book, as `expected` was made of
 */
export function conflictsOf(
  { apps, neighbours, equations, at }: ConflictBook,
  mean: readonly number[],
): Conflicts | null {
  if (equations.rows < ENOUGH) return null;
  const first = apps.length + 1;
  const ridge = [...apps.map(() => 0), 0, ...neighbours.map(() => RIDGE)];
  const growth = apps.length;
  const solve = (present: readonly number[]) =>
    solveNonNegative(equations, ridge, new Set([...apps.keys(), ...present]));
  // The number in flight is the simpler reason: a neighbour is added to it, the one first that explains most, if that is far
  // more than chance would.
  let present = [growth];
  let solution = solve(present);
  for (let left = neighbours.map((_, index) => first + index); solution !== null && left.length > 0;) {
    const [best, unknown] = bestOf(left, (each) => solve([...present, each]));
    if (best === null || solution.left - best.left < CERTAIN ** 2 * best.residual) break;
    [solution, present, left] = [best, [...present, unknown], left.filter((each) => each !== unknown)];
  }
  if (solution !== null && !isCertain(solution, growth)) solution = solve(present.slice(1));
  if (solution === null) return null;
  const { values, covariance } = solution;
  const size = equations.size;
  // By how much more than alone a request takes in the mean.
  const inflation = inflationOf(mean, values);
  const estimate = (unknown: number, factor = 1): Estimate => ({
    value: values[unknown]! * factor,
    variance: covariance[unknown * size + unknown]! * factor ** 2,
    count: Math.round(equations.rows),
    at,
  });
  return {
    alone: new Map(apps.map((app, index) => [app, estimate(index)])),
    growth: estimate(growth, inflation),
    factors: new Map(neighbours.map((name, index) => [name, estimate(first + index, inflation)])),
  };
}

function bestOf(unknowns: readonly number[], solve: (unknown: number) => Solution | null): [Solution | null, number] {
  let [best, found]: [Solution | null, number] = [null, -1];
  for (const unknown of unknowns) {
    const solution = solve(unknown);
    if (solution !== null && solution.left < (best?.left ?? Infinity)) [best, found] = [solution, unknown];
  }
  return [best, found];
}

function isCertain({ values, covariance }: Solution, unknown: number): boolean {
  return values[unknown]! > CERTAIN * Math.sqrt(covariance[unknown * values.length + unknown]!);
}

function inflationOf(mean: readonly number[], values: readonly number[]): number {
  const alone = mean.reduce((sum, _, index) => sum + values[index]!, 0);
  return alone > 0 ? mean.reduce((sum, each) => sum + each, 0) / alone : 1;
}

/** The busiest that a workload has been, which fades. @returns the new one */
export function busiest(before: number, inflight: number, seconds: number): number {
  return Math.max(before * Math.exp(-seconds / FADING), inflight);
}
