/** A profile book as JSON, and back: what was learned survives a restart. */
import { z } from 'zod';

import { LEVELS } from '../model/levels.ts';
import { type LevelBook, newLevelBook } from './concurrency.ts';
import { type AppBook, ProfileBook } from './profile-book.ts';

/** Raised when what is kept changes its meaning; what an other version kept is not read. */
const VERSION = 1;

const amount = z.number().min(0);
const demandSchema = z.object({
  rate: amount,
  weight: amount.max(1),
  arrivals: amount,
  seconds: amount,
  intervals: amount,
  mean: amount,
  variance: amount,
  count: amount,
  at: amount,
});
const meanSchema = z.object({
  weight: amount,
  mean: amount,
  squares: amount,
  windows: amount,
  count: amount,
  at: amount,
});
/** `levels`: `[level, seconds, answers, at]` of those that anything is known of. */
const levelsSchema = z.object({
  count: amount,
  busy: amount,
  area: amount,
  levels: z
    .array(
      z.tuple([
        z
          .int()
          .min(0)
          .max(LEVELS - 1),
        amount,
        amount,
        amount,
      ]),
    )
    .max(LEVELS),
});
const appSchema = z.object({
  demand: demandSchema,
  seconds: meanSchema,
  failures: meanSchema,
  cells: z.array(z.tuple([z.string(), z.object({ seconds: meanSchema, levels: levelsSchema })])),
});
const bookSchema = z.object({
  version: z.literal(VERSION),
  matrices: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), appSchema]))])),
});

export type KeptBook = z.infer<typeof bookSchema>;

export function keptBook(book: ProfileBook): KeptBook {
  return {
    version: VERSION,
    matrices: [...book.matrices].map(([matrix, apps]) => [
      matrix,
      [...apps].map(([app, { cells, ...state }]) => [
        app,
        {
          ...state,
          cells: [...cells].map(([server, { seconds, levels }]) => [server, { seconds, levels: sparse(levels) }]),
        },
      ]),
    ]),
  };
}

/** Errors: a message that says what is not as it was written; then nothing of it is used. */
export function bookOf(kept: unknown): ProfileBook {
  const result = bookSchema.safeParse(kept);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const book = new ProfileBook();
  for (const [matrix, apps] of result.data.matrices) {
    book.matrices.set(
      matrix,
      new Map(
        apps.map(([app, { cells, ...state }]): [string, AppBook] => [
          app,
          {
            ...state,
            cells: new Map(cells.map(([server, { seconds, levels }]) => [server, { seconds, levels: full(levels) }])),
          },
        ]),
      ),
    );
  }
  return book;
}

function sparse({ seconds, answers, at, count, busy, area }: LevelBook): z.infer<typeof levelsSchema> {
  const levels = seconds.flatMap((each, level): [number, number, number, number][] =>
    at[level] === 0 ? [] : [[level, each, answers[level]!, at[level]!]],
  );
  return { count, busy, area, levels };
}

function full({ count, busy, area, levels }: z.infer<typeof levelsSchema>): LevelBook {
  const book: LevelBook = { ...newLevelBook(), count, busy, area };
  for (const [level, seconds, answers, at] of levels) {
    book.seconds[level] = seconds;
    book.answers[level] = answers;
    book.at[level] = at;
  }
  return book;
}
