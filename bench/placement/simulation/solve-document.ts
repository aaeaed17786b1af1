import { compileModel } from '../../../src/placement/model.ts';
import { parseProblem } from '../../../src/placement/problem/problem-file.ts';
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { type Result, resultOf } from '../../../src/placement/result.ts';
import { solve } from '../../../src/placement/solve.ts';
import type { Document } from '../instances.ts';

/** The product's solver on a document; bounded by rounds, so that the answer is the same everywhere. */
export function solveDocument(document: Document, seed: number, optimizer: Optimizer, rounds?: number): Result {
  const parsed = parseProblem(document);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('\n'));
  const model = compileModel(parsed.problem);
  // The integer program would take most of the time, and a thousandth of the demand is at stake.
  return resultOf(
    model,
    solve(model, { seed, optimizer, exact: false, ...(rounds === undefined ? {} : { rounds }) }),
    0,
  );
}
