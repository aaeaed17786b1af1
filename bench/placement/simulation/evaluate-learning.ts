/** What learned parameters cost: the whole beside itself with what was learned, on the same scenarios, seeds and loads. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { prepareAll, type EvaluateOptions, type Evaluation } from './evaluate.ts';
import type { Findings } from './findings.ts';
import { LEARNED, STRONGEST, WHOLE } from './policies.ts';
import { LOADS } from './scenarios.ts';

const POLICIES = [WHOLE, ...LEARNED, STRONGEST[0]!];

export interface Learning extends Pick<Evaluation, 'policies' | 'loads' | 'runs'> {
  readonly scenarios: Evaluation['scenarios'];
  /** Per scenario, after the first hour and after the last one. */
  readonly findings: readonly (readonly [Findings, Findings])[];
}

export function evaluateLearning(
  options: Omit<EvaluateOptions, 'done'>,
  optimizer: Optimizer,
  say: (line: string) => void,
): Learning {
  const { stages } = prepareAll(options, optimizer, say);
  const runs: Learning['runs'][number][] = [];
  for (let seed = 1; seed <= options.seeds; seed++) {
    runs.push(stages.map((stage) => stage.runs(seed, { policies: POLICIES, loads: LOADS, seconds: options.seconds })));
    say(`learning: seed ${seed} of ${options.seeds}`);
  }
  return {
    policies: POLICIES.map(({ name }) => name),
    loads: LOADS,
    runs,
    scenarios: stages.map(({ facts }) => facts),
    findings: stages.map(({ findings }) => findings),
  };
}
