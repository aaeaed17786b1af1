/** What the manager of a matrix knows from one cycle to the next: plain JSON, so that a restart loses nothing. */
import { z } from 'zod';

import { TIMES } from '../model/answer-times.ts';
import type { Row } from '../model/matrix-rows.ts';
import type { Window } from './health.ts';
import type { Figures } from './measured.ts';
import { NO_TRUST, type Prediction, type Trust } from './trust.ts';

export interface ManagerState {
  /** Computed weights that rule; null: spec.rows do. */
  readonly rows: ComputedRows | null;
  readonly trust: Trust;
  readonly prediction: Prediction | null;
  /** Demands and costs of the cycle before. */
  readonly figures: Figures;
  /** The last windows. */
  readonly windows: readonly Window[];
  readonly watch: Watch | null;
  /** Nothing is changed until then: milliseconds since 1970. */
  readonly holdUntil: number | null;
}

export type ComputedRows = readonly ComputedRow[];

export interface ComputedRow extends Row {
  /** In force since: RFC 3339. */
  readonly since: string;
}

/** After a change, until windows enough were no worse than those before it. */
export interface Watch {
  /** Weights before the first of the changes that are watched; null: spec.rows. */
  readonly before: ComputedRows | null;
  readonly windows: readonly Window[];
  /** Windows in a row in which no app was worse off. */
  readonly fine: number;
  /** By app, windows in a row in which it was. */
  readonly worse: Readonly<Record<string, number>>;
}

export const newState = (): ManagerState => ({
  rows: null,
  trust: NO_TRUST,
  prediction: null,
  figures: {},
  windows: [],
  watch: null,
  holdUntil: null,
});

const amount = z.number().min(0);
const rows = z.array(
  z.object({
    server: z.string(),
    weights: z.array(
      z.object({ app: z.string(), weight: z.int().min(0).max(65_535), cap: z.int().min(1).exactOptional() }),
    ),
    since: z.string(),
  }),
);
const windows = z.array(
  z.record(
    z.string(),
    z.object({
      rate: amount,
      tries: amount,
      failures: amount,
      answered: amount,
      seconds: amount,
      times: z.array(amount).max(TIMES).default([]),
    }),
  ),
);
const counts = z.record(z.string(), z.int().min(0));
const amounts = z.record(z.string(), amount);

const schema = z.object({
  rows: rows.nullable(),
  trust: z.object({ good: z.int().min(0), misses: z.int().min(0), since: amount.nullable() }),
  prediction: z.object({ load: amounts, cells: z.int().min(0) }).nullable(),
  figures: amounts,
  windows,
  watch: z.object({ before: rows.nullable(), windows, fine: z.int().min(0), worse: counts }).nullable(),
  holdUntil: amount.nullable(),
});

/** @throws Error with a message for people, where this is none that was kept */
export function stateOf(kept: unknown): ManagerState {
  const parsed = schema.safeParse(kept);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
