import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { demoProblem } from '../fixture.ts';
import { parseProblem } from '../problem/problem-file.ts';
import type { Problem } from '../problem/problem.ts';
import { SolverThread } from './solver-thread.ts';

const thread = new SolverThread();
after(() => thread.close());

function problemOf(file: unknown): Problem {
  const parsed = parseProblem(file);
  assert.ok(parsed.ok);
  return parsed.problem;
}

/** Many hosts of which none fits: the search never ends by itself. */
function hardProblem(hosts: number): Problem {
  const file = {
    hosts: Array.from({ length: hosts }, (_, at) => ({
      name: `h${at}`,
      capacity: { cpu: 1 + (at % 3), io: 2 + (at % 2) },
      memory: 3,
    })),
    workloads: Array.from({ length: 3 * hosts }, (_, at) => ({ name: `w${at}`, memory: 0.7 + (at % 7) / 10 })),
    columns: Array.from({ length: 3 * hosts }, (_, at) => ({
      name: `w${at}`,
      workload: `w${at}`,
      rate: 20 + (at % 11) * 7,
      cost: { cpu: 0.01, io: 0.002 * (1 + (at % 5)) },
    })),
  };
  return problemOf(file);
}

test('answers, tells how far it is, and is there for the next question', async () => {
  const steps = new Set<string>();
  for (let turn = 0; turn < 2; turn++) {
    const { satisfied, provenOptimal } = await thread.solve(problemOf(demoProblem()), {
      onProgress: ({ step }) => steps.add(step),
    });
    assert.ok(satisfied > 1 - 1e-6 && provenOptimal);
  }
  assert.ok(steps.has('start'));
});

test('has an answer at the deadline', async () => {
  const result = await thread.solve(hardProblem(60), { budget: 400, rounds: 1e9 });
  assert.ok(result.satisfied > 0.5);
  assert.ok(result.instances.length > 60);
});

test('refuses a second question at once, and goes on after a thread that was ended', async () => {
  const first = thread.solve(hardProblem(60), { rounds: 1e9 });
  await assert.rejects(thread.solve(hardProblem(60)), /one question at a time/);
  await thread.close();
  await assert.rejects(first, /thread ended/);
  assert.ok((await thread.solve(problemOf(demoProblem()))).satisfied > 0.99);
});
