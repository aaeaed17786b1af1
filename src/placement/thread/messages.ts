/** What goes between the thread that asks and the one that solves. */
import type { Problem } from '../problem/problem.ts';
import type { Result } from '../result.ts';
import type { Progress } from '../solve.ts';

export interface Question {
  readonly problem: Problem;
  readonly seed: number;
  /** Milliseconds until the answer must be there; null: as long as it takes, and the same answer every time. */
  readonly budget: number | null;
  /** Whether small clusters are solved exactly, too. */
  readonly exact: boolean;
  /** Rounds of the subset search; null: by size. */
  readonly rounds: number | null;
}

export type Reply =
  | { readonly kind: 'Progress'; readonly progress: Progress }
  /** An answer that holds, before the one that is being worked on. */
  | { readonly kind: 'First'; readonly result: Result }
  | { readonly kind: 'Done'; readonly result: Result }
  | { readonly kind: 'Failed'; readonly message: string };
