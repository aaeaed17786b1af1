/**
 * The search alone, without the integer program, against proven optima of small random problems: one resource, and four
 * resources with request classes, conflicts and growth by concurrency.
 */
import { compileModel, type Model } from '../../src/placement/model.ts';
import { parseProblem } from '../../src/placement/problem/problem-file.ts';
import { solveExactly } from '../../src/placement/program/exact.ts';
import type { Optimizer } from '../../src/placement/program/linear-program.ts';
import { seededRandom } from '../../src/placement/random.ts';
import { resultOf } from '../../src/placement/result.ts';
import { solve } from '../../src/placement/solve.ts';
import { check } from './checker.ts';
import { type Document, instance } from './instances.ts';

export interface Optimum {
  readonly seed: number;
  readonly hosts: number;
  readonly apps: number;
  readonly satisfied: number;
  /** null: not proven in time. */
  readonly optimum: number | null;
  readonly milliseconds: number;
  readonly faults: number;
}

const ALPHA = [0.7, 0.8, 0.9, 0.95, 0.99, 1.1];
const BETA = [0.2, 0.4, 0.6, 0.8, 0.9, 0.95];
const DEMAND = ['uniform', { exponent: 0.7 }, { exponent: 2.16 }] as const;

/** @param seconds for each proof */
export function optimumOf(seed: number, vector: boolean, optimizer: Optimizer, seconds: number): Optimum | null {
  const document = smallProblem(seed, vector);
  // A proof of the largest instances would take hours; the bound is that of the product's own exact path.
  if (document.workloads.length > 25) return null;
  const model = modelOf(document);
  const began = performance.now();
  const solution = solve(model, { seed: 1, optimizer, exact: false });
  const milliseconds = performance.now() - began;
  const result = resultOf(model, solution, 0);
  const exact = solveExactly(model, solution.state, optimizer, { timeLimit: seconds, gap: 1e-5 });
  return {
    seed,
    hosts: document.hosts.length,
    apps: document.workloads.length,
    satisfied: result.satisfied,
    optimum: exact?.proven === true ? exact.state.value / model.demandValue : null,
    milliseconds,
    faults: check(document, result).length,
  };
}

function smallProblem(seed: number, vector: boolean): Document {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const hosts = 3 + Math.floor(6 * random());
  const document = instance({ seed, hosts, alpha: pick(ALPHA), beta: pick(BETA), demand: pick(DEMAND), vector });
  // The sum alone: an optimum of two objectives in turn is not one number.
  document.options = { fairness: false };
  return document;
}

function modelOf(document: Document): Model {
  const parsed = parseProblem(document);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
  return compileModel(parsed.problem);
}
