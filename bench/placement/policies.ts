/** Every way to place, as a function from a document and what runs to what is served and what was changed. */
import { compileModel, type Model } from '../../src/placement/model.ts';
import { allLoads } from '../../src/placement/plan.ts';
import { parseProblem } from '../../src/placement/problem/problem-file.ts';
import { instancesOf, solve } from '../../src/placement/solve.ts';
import type { State } from '../../src/placement/state/state.ts';
import { densityGreedy, firstFitDecreasing, noChange } from './baselines/greedy.ts';
import { tangLike } from './baselines/tang.ts';
import type { Document } from './instances.ts';

export interface Outcome {
  /** Value served as a part of all demand's. */
  readonly satisfied: number;
  /** Least and 5th percentile of the apps' own part. */
  readonly worst: number;
  readonly low: number;
  /** Starts and stops that were decided on: what went with its host was not. */
  readonly changes: number;
  readonly milliseconds: number;
  readonly current: NonNullable<Document['current']>;
  readonly load: NonNullable<Document['load']>;
}

export const POLICIES = [
  'tcpvs',
  'tcpvs, tau 0',
  'tcpvs, tau 0.05',
  'tcpvs, planned',
  'Tang-like',
  'density greedy',
  'first fit',
  'no change',
] as const;
export type Policy = (typeof POLICIES)[number];
/** As problem files and matrices have it. */
const DEFAULT_TAU = 0.01;
/** Where it is not the default. */
const TAU: Partial<Record<Policy, number>> = { 'tcpvs, tau 0': 0, 'tcpvs, tau 0.05': 0.05 };

/** @param patience milliseconds that Tang-like may take */
export function place(document: Document, policy: Policy, seed: number, patience: number): Outcome {
  const options = { fairness: false, changeCost: TAU[policy] ?? DEFAULT_TAU };
  const parsed = parseProblem({ ...document, options });
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
  const began = performance.now();
  const model = compileModel(parsed.problem);
  const state = placed(model, policy, seed, () => performance.now() - began > patience);
  const milliseconds = performance.now() - began;
  const parts = Array.from(state.served, (rate, j) => ({ rate, asked: model.rate[j]! }))
    .filter(({ asked }) => asked > 0)
    .map(({ rate, asked }) => rate / asked)
    .toSorted((a, b) => a - b);
  const { hostCount } = model;
  return {
    satisfied: state.value / model.demandValue,
    worst: parts[0] ?? 1,
    low: parts[Math.floor(parts.length / 20)] ?? 1,
    changes: state.changes - lost(document),
    milliseconds,
    current: [...instancesOf(state)].map(([key, instances]) => ({
      host: model.hostNames[key % hostCount]!,
      workload: model.workloadNames[Math.floor(key / hostCount)]!,
      instances,
    })),
    load: allLoads(state).map(({ host, column, rate }) => ({
      host: model.hostNames[host]!,
      column: model.columnNames[column]!,
      rate,
    })),
  };
}

/** Instances whose host is gone. */
function lost({ hosts, current = [] }: Document): number {
  const gone = new Set(hosts.filter(({ memory }) => memory === 0).map(({ name }) => name));
  return current.reduce((sum, { host, instances }) => sum + (gone.has(host) ? instances : 0), 0);
}

function placed(model: Model, policy: Policy, seed: number, expired: () => boolean): State {
  switch (policy) {
    // Where to, whatever the way: the others do not ask how to get there either.
    case 'tcpvs':
    case 'tcpvs, tau 0':
    case 'tcpvs, tau 0.05':
      return solve(model, { seed, exact: false, plan: false }).state;
    case 'tcpvs, planned':
      return solve(model, { seed, exact: false }).state;
    case 'Tang-like':
      return tangLike(model, expired);
    case 'density greedy':
      return densityGreedy(model);
    case 'first fit':
      return firstFitDecreasing(model);
    case 'no change':
      return noChange(model);
    default:
      return policy satisfies never;
  }
}
