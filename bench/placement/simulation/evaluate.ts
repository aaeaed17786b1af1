/**
 * All scenarios under all policies, a seed at a time, so that what there is when time is over is whole: every scenario has the same
 * seeds.
 */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { type Facts, prepare, type Run, type Stage } from './compare.ts';
import { CAP_ABLATION, POLICIES, STRONGEST, WHOLE } from './policies.ts';
import { LOADS, scenario } from './scenarios.ts';

export interface EvaluateOptions {
  readonly scenarios: number;
  readonly seeds: number;
  /** Seconds in which requests come in a run. */
  readonly seconds: number;
  /** Number of the first scenario. */
  readonly first: number;
  /** Seeds that are done already, of the same scenarios: it goes on with the next one. */
  readonly done?: Pick<Evaluation, 'runs' | 'stopping'>;
}

/** Where servers stop working on what clients gave up: few policies, few seeds. */
export const STOPPING = { policies: [WHOLE, CAP_ABLATION[0]!, ...STRONGEST], loads: [1, 1.2, 1.5], seeds: 2 } as const;

export interface Evaluation {
  readonly policies: readonly string[];
  readonly loads: readonly number[];
  readonly seconds: number;
  readonly scenarios: readonly Facts[];
  /** Numbers of those that have no room for all workloads. */
  readonly replaced: readonly number[];
  /** Per seed, scenario, policy and load. */
  readonly runs: readonly (readonly (readonly (readonly Run[])[])[])[];
  readonly stopping: {
    readonly policies: readonly string[];
    readonly loads: readonly number[];
    readonly runs: Evaluation['runs'];
  };
}

/** @param keep called with what there is whenever a seed is done; false: time is over */
export function evaluate(
  options: EvaluateOptions,
  optimizer: Optimizer,
  keep: (evaluation: Evaluation) => boolean,
  say: (line: string) => void,
): void {
  const { stages, replaced } = prepareAll(options, optimizer, say);
  const runs = [...(options.done?.runs ?? [])];
  const stopping = [...(options.done?.stopping.runs ?? [])];
  for (let seed = runs.length + 1; seed <= options.seeds; seed++) {
    const main = { policies: POLICIES, loads: LOADS, seconds: options.seconds };
    runs.push(stages.map((stage) => stage.runs(seed, main)));
    if (seed <= STOPPING.seeds) {
      const { policies, loads } = STOPPING;
      stopping.push(
        stages.map((stage) => stage.runs(seed, { policies, loads, seconds: options.seconds, stops: true })),
      );
    }
    say(`seed ${seed} of ${options.seeds}`);
    const { policies, loads } = STOPPING;
    const goOn = keep({
      policies: POLICIES.map(({ name }) => name),
      loads: LOADS,
      seconds: options.seconds,
      scenarios: stages.map(({ facts }) => facts),
      replaced,
      runs,
      stopping: { policies: policies.map(({ name }) => name), loads, runs: stopping },
    });
    if (!goOn) return;
  }
}

/** The first scenarios that have room for all their workloads. */
export function prepareAll(
  { scenarios, first }: Pick<EvaluateOptions, 'scenarios' | 'first'>,
  optimizer: Optimizer,
  say: (line: string) => void,
): { stages: Stage[]; replaced: number[] } {
  const stages: Stage[] = [];
  const replaced: number[] = [];
  for (let number = first; stages.length < scenarios; number++) {
    const stage = prepare(scenario(number), optimizer);
    if (stage === null) replaced.push(number);
    else stages.push(stage);
    if (stages.length % 10 === 0) say(`scenarios made ready: ${stages.length} of ${scenarios}`);
  }
  return { stages, replaced };
}
