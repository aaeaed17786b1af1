/** The solver in a thread of its own: the caller's loop stays free, and at the deadline there is an answer. */
import { Worker } from 'node:worker_threads';

import type { Problem } from '../problem/problem.ts';
import type { Result } from '../result.ts';
import type { Progress } from '../solve.ts';
import type { Question, Reply } from './messages.ts';

export interface ThreadOptions {
  readonly seed?: number;
  /** Milliseconds; null or absent: as long as it takes, and the same answer every time. */
  readonly budget?: number | null;
  readonly exact?: boolean;
  readonly rounds?: number | null;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * How long after the deadline the thread may still answer before it is given up (a program's solver looks at its clock now and
 * then, and the next question would find a cold thread): so much, and half of the budget.
 */
const GRACE = 500;

export class SolverThread {
  #worker: Worker | null = null;
  #busy = false;

  /**
   * One question at a time.
   * @throws Error where the thread died, or failed, before it had any answer
   */
  async solve(problem: Problem, options: ThreadOptions = {}): Promise<Result> {
    if (this.#busy) throw new Error('the solver is busy: one question at a time');
    this.#busy = true;
    const worker = (this.#worker ??= new Worker(workerUrl()));
    const budget = options.budget ?? null;
    const question: Question = {
      problem,
      budget,
      seed: options.seed ?? 1,
      exact: options.exact ?? true,
      rounds: options.rounds ?? null,
    };
    try {
      return await ask(worker, question, options.onProgress, () => this.#giveUp());
    } finally {
      this.#busy = false;
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #giveUp(): void {
    void this.close();
  }
}

async function ask(
  worker: Worker,
  question: Question,
  onProgress: ThreadOptions['onProgress'],
  giveUp: () => void,
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  let first: Result | null = null;
  let late = false;
  const over = (error: Error): void => {
    giveUp();
    if (first === null) reject(error);
    else resolve(first);
  };
  // A thread that has only just started on a busy machine may not have any answer yet: then its first one is waited for.
  const atDeadline = (): void => {
    late = true;
    if (first !== null) over(new Error('late'));
  };
  const onMessage = (reply: Reply): void => {
    switch (reply.kind) {
      case 'Progress':
        onProgress?.(reply.progress);
        break;
      case 'First':
        first = reply.result;
        if (late) atDeadline();
        break;
      case 'Done':
        resolve(reply.result);
        break;
      case 'Failed':
        over(new Error(`the solver failed: ${reply.message}`));
        break;
      default:
        reply satisfies never;
    }
  };
  const onExit = (code: number): void => over(new Error(`the solver's thread ended with ${code}`));
  worker.on('message', onMessage).on('error', over).on('exit', onExit);
  const timer = question.budget === null ? null : setTimeout(atDeadline, 1.5 * question.budget + GRACE);
  worker.postMessage(question);
  try {
    return await promise;
  } finally {
    if (timer !== null) clearTimeout(timer);
    worker.off('message', onMessage).off('error', over).off('exit', onExit);
  }
}

/** From the sources, or beside the bundle's other files. */
function workerUrl(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('placement-worker.mjs', import.meta.url);
}
