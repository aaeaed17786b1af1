/** What learned parameters cost: the whole beside itself with what was learned, on the same scenarios, seeds and loads. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { evaluateMore, type More } from './evaluate-more.ts';
import type { EvaluateOptions } from './evaluate.ts';
import type { Findings } from './findings.ts';
import { LEARNED, STRONGEST, WHOLE } from './policies.ts';

export interface Learning extends More {
  /** Per scenario, after the first hour and after the last one. */
  readonly findings: readonly (readonly [Findings, Findings])[];
}

export function evaluateLearning(
  options: Omit<EvaluateOptions, 'done'>,
  optimizer: Optimizer,
  say: (line: string) => void,
): Learning {
  const { more, stages } = evaluateMore([WHOLE, ...LEARNED, STRONGEST[0]!], options, optimizer, say);
  return { ...more, findings: stages.map(({ findings }) => findings) };
}
