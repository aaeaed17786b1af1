/** A profile book as JSON, and back: what was learned survives a restart. */
import { z } from 'zod';

import { LEVELS } from '../model/levels.ts';
import { type LevelBook, newLevelBook, reachLevel } from './concurrency.ts';
import { noRest } from './cost.ts';
import type { Equations } from './normal-equations.ts';
import { type AppBook, ProfileBook } from './profile-book.ts';
import { ResourceBook, type WorkloadBook } from './resource-book.ts';

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
const sums = z.array(z.number()).max(10_000);
const equationsSchema = z
  .object({ size: z.int().min(1).max(1024), gram: sums, moment: sums, square: amount, rows: amount })
  .refine(({ size, gram, moment }) => gram.length === size * size && moment.length === size, 'sizes that fit');
const costSchema = z
  .object({
    apps: z.array(z.string()),
    equations: equationsSchema,
    answered: z.array(amount),
    at: amount,
    rest: z.object({ seconds: amount, use: amount, squares: amount, windows: amount, at: amount }).default(noRest),
  })
  .refine(({ apps, equations, answered }) => equations.size === apps.length + 1 && answered.length === apps.length);
const conflictSchema = z
  .object({
    apps: z.array(z.string()),
    neighbours: z.array(z.string()),
    equations: equationsSchema,
    means: z.array(z.tuple([z.string(), z.object({ weight: amount, values: z.array(z.number()) })])),
    at: amount,
  })
  .refine(
    ({ apps, neighbours, equations: { size }, means }) =>
      size === apps.length + 1 + neighbours.length && means.every(([, { values }]) => values.length === size + 1),
  );
const workloadSchema = z.object({
  busiest: amount,
  costs: z.array(z.tuple([z.string(), costSchema])),
  conflicts: z.array(z.tuple([z.string(), conflictSchema])),
});
const bookSchema = z.object({
  version: z.literal(VERSION),
  resources: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), workloadSchema]))])).default([]),
  matrices: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), appSchema]))])),
});

export type KeptBook = z.infer<typeof bookSchema>;

export function keptBook(book: ProfileBook): KeptBook {
  return {
    version: VERSION,
    resources: [...book.resources].map(([matrix, { workloads }]) => [
      matrix,
      [...workloads].map(([workload, each]) => [workload, keptWorkload(each)]),
    ]),
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
  for (const [matrix, workloads] of result.data.resources) {
    const resources = new ResourceBook();
    for (const [workload, each] of workloads) resources.workloads.set(workload, workloadOf(each));
    book.resources.set(matrix, resources);
  }
  return book;
}

function keptWorkload({ busiest, costs, conflicts }: WorkloadBook): z.infer<typeof workloadSchema> {
  return {
    busiest,
    costs: [...costs].map(([resource, { apps, answered, at, equations, rest }]) => [
      resource,
      { apps: [...apps], answered, at, rest, equations: keptEquations(equations) },
    ]),
    conflicts: [...conflicts].map(([resource, { apps, neighbours, equations, means, at }]) => [
      resource,
      { apps: [...apps], neighbours: [...neighbours], equations: keptEquations(equations), means: [...means], at },
    ]),
  };
}

function workloadOf({ busiest, costs, conflicts }: z.infer<typeof workloadSchema>): WorkloadBook {
  return {
    busiest,
    costs: new Map(
      costs.map(([resource, { equations, ...cost }]) => [resource, { ...cost, equations: equationsOf(equations) }]),
    ),
    conflicts: new Map(
      conflicts.map(([resource, { equations, means, ...conflict }]) => [
        resource,
        { ...conflict, equations: equationsOf(equations), means: new Map(means) },
      ]),
    ),
  };
}

function keptEquations({ size, gram, moment, square, rows }: Equations): z.infer<typeof equationsSchema> {
  return { size, gram: [...gram], moment: [...moment], square, rows };
}

function equationsOf({ gram, moment, ...rest }: z.infer<typeof equationsSchema>): Equations {
  return { ...rest, gram: Float64Array.from(gram), moment: Float64Array.from(moment) };
}

function sparse({ seconds, answers, at, count, busy, area }: LevelBook): z.infer<typeof levelsSchema> {
  const levels = seconds.flatMap((each, level): [number, number, number, number][] =>
    // Estimates of answers may be a little below 0 where hardly any were seen.
    at[level] === 0 ? [] : [[level, each, Math.max(0, answers[level]!), at[level]!]],
  );
  return { count: Math.max(0, count), busy, area, levels };
}

function full({ count, busy, area, levels }: z.infer<typeof levelsSchema>): LevelBook {
  const book: LevelBook = { ...newLevelBook(), count, busy, area };
  for (const [level, seconds, answers, at] of levels) {
    reachLevel(book, level);
    book.seconds[level] = seconds;
    book.answers[level] = answers;
    book.at[level] = at;
  }
  return book;
}
