/** Policies that came later, on the same scenarios, seeds and loads as those that are there: what they are compared with need not run again. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import type { Stage } from './compare.ts';
import { type EvaluateOptions, type Evaluation, prepareAll } from './evaluate.ts';
import type { Policy } from './policies.ts';
import { LOADS } from './scenarios.ts';

export type More = Pick<Evaluation, 'policies' | 'loads' | 'runs' | 'scenarios'>;

export function evaluateMore(
  policies: readonly Policy[],
  options: Omit<EvaluateOptions, 'done'>,
  optimizer: Optimizer,
  say: (line: string) => void,
): { readonly more: More; readonly stages: readonly Stage[] } {
  const { stages } = prepareAll(options, optimizer, say);
  const runs: More['runs'][number][] = [];
  for (let seed = 1; seed <= options.seeds; seed++) {
    runs.push(stages.map((stage) => stage.runs(seed, { policies, loads: LOADS, seconds: options.seconds })));
    say(`more policies: seed ${seed} of ${options.seeds}`);
  }
  const names = policies.map(({ name }) => name);
  return { more: { policies: names, loads: LOADS, runs, scenarios: stages.map(({ facts }) => facts) }, stages };
}

/** Both as one, for the seeds that both have. @throws RangeError where they are not of the same scenarios */
export function joined(one: More, other: More): More {
  const numbers = [one, other].map(({ scenarios }) => scenarios.map(({ number }) => number).join(' '));
  if (numbers[0] !== numbers[1]) throw new RangeError(`scenarios ${numbers[0]} beside ${numbers[1]}`);
  const seeds = Math.min(one.runs.length, other.runs.length);
  return {
    ...one,
    policies: [...one.policies, ...other.policies],
    runs: Array.from({ length: seeds }, (_, seed) =>
      one.scenarios.map((__, scenario) => [...one.runs[seed]![scenario]!, ...other.runs[seed]![scenario]!]),
    ),
  };
}
