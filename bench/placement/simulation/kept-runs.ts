/** Runs as they are kept: whole numbers in flat lists, since there are tens of thousands of them. */
import type { Run } from './compare.ts';
import type { More } from './evaluate-more.ts';
import type { Evaluation } from './evaluate.ts';

/** Replied and worst in 1/10,000, mean, p50 and p99 in ms (null: nothing was answered). */
type Packed = readonly [number, number | null, number | null, number | null, number];

export type KeptEvaluation = Omit<Evaluation, 'runs' | 'stopping'> & {
  readonly fields: readonly string[];
  readonly runs: readonly (readonly (readonly (readonly Packed[])[])[])[];
  readonly stopping: Omit<Evaluation['stopping'], 'runs'> & { readonly runs: KeptEvaluation['runs'] };
};

export type Kept<T extends More> = Omit<T, 'runs'> & { readonly runs: KeptEvaluation['runs'] };

const FIELDS = ['replied, 1/10000', 'mean, ms', 'p50, ms', 'p99, ms', 'least of a column replied, 1/10000'];

export function pack(evaluation: Evaluation): KeptEvaluation {
  const { stopping } = evaluation;
  return {
    ...evaluation,
    fields: FIELDS,
    runs: eachRun(evaluation.runs, packed),
    stopping: { ...stopping, runs: eachRun(stopping.runs, packed) },
  };
}

export function unpack({ fields: _fields, ...kept }: KeptEvaluation): Evaluation {
  const { stopping } = kept;
  return {
    ...kept,
    runs: eachRun(kept.runs, unpacked),
    stopping: { ...stopping, runs: eachRun(stopping.runs, unpacked) },
  };
}

export function packMore<T extends More>(more: T): Kept<T> {
  return { ...more, runs: eachRun(more.runs, packed) };
}

export function unpackMore<T extends More>(kept: Kept<T>): Omit<T, 'runs'> & Pick<More, 'runs'> {
  return { ...kept, runs: eachRun(kept.runs, unpacked) };
}

/** As text with a line per seed and scenario. */
export function textOfRuns(kept: KeptEvaluation | Kept<More>): string {
  const marked: unknown[] = [];
  const outer = JSON.stringify(
    kept,
    (key, value: unknown) => {
      if (key === 'findings') return (value as unknown[]).map((each) => `@${marked.push(each) - 1}@`);
      if (key !== 'runs') return value;
      const rows = (value as unknown[][]).map((seed) => seed.map((each) => `@${marked.push(each) - 1}@`));
      return rows;
    },
    1,
  );
  return `${outer.replace(/"@(\d+)@"/g, (_, at: string) => JSON.stringify(marked[Number(at)]))}\n`;
}

function eachRun<A, B>(runs: readonly (readonly (readonly (readonly A[])[])[])[], change: (run: A) => B): B[][][][] {
  return runs.map((seed) => seed.map((scenario) => scenario.map((policy) => policy.map(change))));
}

function packed({ replied, mean, p50, p99, worst }: Run): Packed {
  return [Math.round(1e4 * replied), whole(mean), whole(p50), whole(p99), Math.round(1e4 * worst)];
}

function unpacked([replied, mean, p50, p99, worst]: Packed): Run {
  return { replied: replied / 1e4, mean: number(mean), p50: number(p50), p99: number(p99), worst: worst / 1e4 };
}

function whole(value: number): number | null {
  return Number.isNaN(value) ? null : Math.round(value);
}

function number(value: number | null): number {
  return value ?? Number.NaN;
}
