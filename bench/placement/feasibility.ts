/**
 * Random problems, each solved from nothing and again some time later, every answer and every state that its plan goes
 * through judged by the independent checker.
 */
import { compileModel } from '../../src/placement/model.ts';
import { parseProblem } from '../../src/placement/problem/problem-file.ts';
import type { Optimizer } from '../../src/placement/program/linear-program.ts';
import { type Result, resultOf } from '../../src/placement/result.ts';
import { solve } from '../../src/placement/solve.ts';
import { check } from './checker.ts';
import type { Document } from './instances.ts';
import { later, randomProblem } from './random-problem.ts';

export interface Feasibility {
  /** Problems: two per seed. */
  problems: number;
  /** States on the way that were judged. */
  steps: number;
  dropped: number;
  /** `seed N, first|later: what`. */
  readonly faults: string[];
}

export function checkSeeds(first: number, count: number, optimizer: Optimizer | null): Feasibility {
  const found: Feasibility = { problems: 0, steps: 0, dropped: 0, faults: [] };
  for (let seed = first; seed < first + count; seed++) {
    // Load programs where there is an optimizer, the ways without it for every other seed.
    const by = seed % 2 === 0 ? optimizer : null;
    const document = randomProblem(seed);
    const answer = judge(document, seed, 'first', by, found);
    judge(later(document, answer, seed), seed, 'later', by, found);
  }
  return found;
}

function judge(
  document: Document,
  seed: number,
  when: string,
  optimizer: Optimizer | null,
  found: Feasibility,
): Result {
  const parsed = parseProblem(document);
  if (!parsed.ok) throw new Error(`seed ${seed}: ${parsed.faults.map(({ message }) => message).join('; ')}`);
  const model = compileModel(parsed.problem);
  const result = resultOf(model, solve(model, { seed, rounds: 3, exact: false, optimizer }), 0);
  found.problems++;
  found.steps += result.changes.length;
  found.dropped += result.dropped.length;
  for (const fault of check(document, result).slice(0, 3)) found.faults.push(`seed ${seed}, ${when}: ${fault}`);
  return result;
}
