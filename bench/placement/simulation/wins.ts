import type { Evaluation } from './evaluate.ts';
import { signed } from './table.ts';

/** What is no more than this is a tie: a tenth of a point. */
const TIE = 0.001;

export interface Wins {
  /** How many scenarios; together these are all. */
  readonly better: string;
  readonly tie: string;
  readonly worse: string;
  /** In points; the worst with its scenario. */
  readonly worst: string;
  readonly median: string;
  readonly best: string;
}

/** One policy less another, scenario by scenario, as a table says it. */
export function winsOf(differences: readonly number[], scenarios: Evaluation['scenarios']): Wins {
  const sorted = differences.toSorted((a, b) => a - b);
  const count = (is: (each: number) => boolean) => String(differences.filter(is).length);
  return {
    better: count((each) => each > TIE),
    tie: count((each) => Math.abs(each) <= TIE),
    worse: count((each) => each < -TIE),
    worst: `${signed(100 * sorted[0]!)} (scenario ${scenarios[differences.indexOf(sorted[0]!)]!.number})`,
    median: signed(100 * sorted[Math.floor(sorted.length / 2)]!),
    best: signed(100 * sorted.at(-1)!),
  };
}
