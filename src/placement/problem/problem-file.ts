/** A problem file's data → a problem, or what is wrong with it. */
import { z } from 'zod';

import { type Fault, issueToFaults, readText, toFault } from '../../api/faults.ts';
import type { Problem } from './problem.ts';
import { parseQuantity } from './quantity.ts';
import { referenceFaults } from './references.ts';

export type ParsedProblem =
  | { readonly ok: true; readonly problem: Problem }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Beyond this number of faults more of them help nobody. */
const MAX_FAULTS = 20;

/** Parses plain data (of YAML or JSON). Never throws. */
export function parseProblem(raw: unknown): ParsedProblem {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return { ok: false, faults: [toFault(OBJECT, [], readText(raw), 'an object with hosts, workloads, columns')] };
  }
  const parsed = problemFile.safeParse(raw);
  if (!parsed.success) {
    const faults = parsed.error.issues
      .slice(0, MAX_FAULTS)
      .flatMap((issue) => issueToFaults(OBJECT, problemFile, raw, issue, []));
    return { ok: false, faults: faults.slice(0, MAX_FAULTS) };
  }
  const problem = withOwnWorkloads(parsed.data);
  const faults = referenceFaults(problem, OBJECT);
  return faults.length > 0 ? { ok: false, faults: faults.slice(0, MAX_FAULTS) } : { ok: true, problem };
}

/** What messages call the whole of it. */
const OBJECT = 'problem';

const EXPECTED = 'a quantity that is not negative, such as "2.4", "500m" or "8Gi"';

const quantity = z.union([z.string(), z.number()], { error: EXPECTED }).transform((text, context): number => {
  const value = parseQuantity(text);
  if (value !== null) return value;
  context.addIssue({ code: 'custom', message: EXPECTED });
  return z.NEVER;
});

const positive = quantity.refine((value) => value > 0, { error: 'a quantity above 0' });
const fraction = quantity.refine((value) => value <= 1, { error: 'a number of 0 to 1' });
const count = z.int().min(0).max(100_000);
const name = z
  .string()
  .min(1)
  .max(253)
  .regex(/^\P{Cc}+$/u, { error: 'a name without control characters' });
const amounts = z.record(name, quantity);

/** For fields that may be left out: absent and null are the same. */
const orNull = <S extends z.ZodType>(schema: S) => schema.nullable().default(null as never);

const host = z.strictObject({
  name,
  class: name.default('default'),
  capacity: amounts,
  memory: quantity.default(Number.POSITIVE_INFINITY),
  pods: count.default(Number.MAX_SAFE_INTEGER as never),
  concurrency: orNull(positive.refine((value) => value >= 1, { error: 'a number of at least 1' })),
});

const workload = z.strictObject({
  name,
  memory: quantity.default(0),
  idle: amounts.default({}),
  sensitivity: amounts.default({}),
  pressure: amounts.default({}),
  pressureRate: orNull(positive),
  minInstances: count.default(0),
  maxInstances: count.default(100_000),
  maxPerHost: count.min(1).default(100_000),
  hosts: orNull(z.array(name).max(20_000)),
  apart: z.array(name).max(1000).default([]),
  startSeconds: quantity.default(0),
});

const column = z.strictObject({
  name,
  workload: name.optional(),
  rate: quantity,
  cost: amounts,
  value: orNull(quantity),
  seconds: orNull(positive),
  concurrency: orNull(positive),
});

const problemFile = z.strictObject({
  hosts: z.array(host).min(1).max(20_000),
  workloads: z.array(workload).max(50_000).default([]),
  columns: z.array(column).max(100_000),
  conflicts: z
    .array(z.strictObject({ workload: name, with: name, resource: name, factor: quantity }))
    .max(1_000_000)
    .default([]),
  kappa: amounts.default({}),
  current: orNull(z.array(z.strictObject({ host: name, workload: name, instances: count.min(1).default(1) }))),
  load: z
    .array(
      z.strictObject({
        host: name,
        column: name,
        rate: quantity,
        weight: orNull(z.int().min(0).max(65_535)),
        cap: orNull(count),
      }),
    )
    .default([]),
  options: z
    .strictObject({
      changeCost: fraction.default(0.01),
      utilization: fraction.refine((value) => value > 0, { error: 'a number above 0, at most 1' }).default(1),
      fairness: z.boolean().default(true),
      maxChanges: count.default(100_000),
    })
    .prefault({}),
});

/** A column without a workload has the one of its name, or one of its own that needs no memory. */
function withOwnWorkloads(file: z.output<typeof problemFile>): Problem {
  const known = new Set(file.workloads.map((each) => each.name));
  const own = file.columns
    .filter((each) => each.workload === undefined && !known.has(each.name))
    .map((each) => workload.parse({ name: each.name }));
  return {
    ...file,
    workloads: [...file.workloads, ...own],
    columns: file.columns.map((each) => ({ ...each, workload: each.workload ?? each.name })),
  };
}
