/** The solving thread: a question in, progress and answers out. It stays for more questions, and is warm then. */
import { parentPort } from 'node:worker_threads';

import { compileModel, isFlow, type Model } from '../model.ts';
import { isSmall } from '../program/exact.ts';
import { loadOptimizer } from '../program/highs.ts';
import type { Optimizer } from '../program/linear-program.ts';
import { type Result, resultOf } from '../result.ts';
import { solve } from '../solve.ts';
import type { Question, Reply } from './messages.ts';

/** A bar that moves more often is not read. */
const TELL_EVERY = 100;
/** Most that is kept of a budget for the steps after the search. */
const MOST_RESERVE = 0.5;

let optimizer: Promise<Optimizer | null> | null = null;

parentPort?.on('message', (question: Question) => {
  answer(question).then(tell, (error: unknown) => {
    tell({ kind: 'Failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});

function tell(reply: Reply): void {
  parentPort?.postMessage(reply);
}

async function answer({ problem, seed, budget, exact, rounds }: Question): Promise<Reply> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const model = compileModel(problem);
  let limits = {};
  if (budget !== null) {
    tell({ kind: 'First', result: first(model, seed, seconds) });
    limits = {
      secondsLeft: () => budget / 1000 - seconds(),
      reserve: Math.min((MOST_RESERVE * budget) / 1000, Math.max(2 * seconds(), reserveFor(model) * (budget / 1000))),
    };
  }
  let told = Number.NEGATIVE_INFINITY;
  const solution = solve(model, {
    seed,
    exact,
    ...limits,
    ...(rounds === null ? {} : { rounds }),
    optimizer: await optimizerFor(model, exact),
    onProgress: (progress) => {
      if (performance.now() - told < TELL_EVERY) return;
      told = performance.now();
      tell({ kind: 'Progress', progress });
    },
  });
  return { kind: 'Done', result: resultOf(model, solution, seconds()) };
}

/**
 * Part of the budget that the steps after the search may need: loads and plan take each about as long as the first answer did, but
 * for load programs.
 */
function reserveFor(model: Model): number {
  return isFlow(model) ? 0.1 : 0.2;
}

/** What can be had at once: whatever happens to the rest, there is an answer at the deadline. */
function first(model: Model, seed: number, seconds: () => number): Result {
  return resultOf(model, solve(model, { seed, improve: false, exact: false, optimizer: null }), seconds());
}

/** Only where it is used: its WebAssembly is 3.5 MB. Where it cannot be loaded, solving goes on without it. */
async function optimizerFor(model: Model, exact: boolean): Promise<Optimizer | null> {
  if (isFlow(model) && !(exact && isSmall(model))) return null;
  optimizer ??= loadOptimizer().catch(() => null);
  return await optimizer;
}
