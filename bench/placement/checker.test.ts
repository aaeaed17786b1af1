/** A checker that finds nothing proves nothing: answers with one fault each, which it has to find. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { modelOf } from '../../src/placement/fixture.ts';
import { resultOf } from '../../src/placement/result.ts';
import { solve } from '../../src/placement/solve.ts';
import { type Answer, check } from './checker.ts';
import type { Document } from './instances.ts';

const DOCUMENT: Document = {
  hosts: ['h1', 'h2'].map((name) => ({ name, capacity: { cpu: 1 }, memory: 2, pods: 2 })),
  workloads: [
    { name: 'a', memory: 1, minInstances: 1, sensitivity: { cpu: 0.2 } },
    { name: 'b', memory: 1, hosts: ['h2'], pressure: { cpu: 0.5 } },
  ],
  columns: [
    { name: 'a', workload: 'a', rate: 90, cost: { cpu: 0.01 } },
    { name: 'b', workload: 'b', rate: 50, cost: { cpu: 0.01 } },
  ],
  current: [{ host: 'h2', workload: 'a', instances: 1 }],
  load: [{ host: 'h2', column: 'a', rate: 80 }],
};

type Mutable = { -readonly [K in keyof Answer]: any };

function answered(document: Document): Mutable {
  const model = modelOf(document);
  return structuredClone(resultOf(model, solve(model, { rounds: 5 }), 0));
}

test('a right answer passes', () => {
  assert.deepEqual(check(DOCUMENT, answered(DOCUMENT)), []);
});

for (const [what, spoil, fault] of [
  ['load above demand', (a) => (a.load[0].rate = 95), /a is served \d+.* of 90/],
  [
    'load without an instance',
    (a) => (a.instances = a.instances.filter((i: any) => i.workload !== 'b')),
    /without|no instance/,
  ],
  ['too much memory', (a) => (a.instances[0].count = 3), /memory/],
  ['too many pods', (a) => (a.instances[0].count = 3), /3 instances on h1|instances on h/],
  [
    'a host that is not allowed',
    (a) => a.instances.push({ host: 'h1', workload: 'b', count: 1 }),
    /b may not run on h1/,
  ],
  ['a sum that is not one', (a) => (a.served[0].rate += 1), /loads sum to/],
  ['weights that are not the shares', (a) => (a.load.at(-1).weight -= 2), /weights of b/],
  ['an order in which something is lost', (a) => (a.changes = a.changes.toReversed()), /step 0/],
  ['a plan that ends elsewhere', (a) => a.changes.pop(), /the plan ends/],
  [
    'a step that overloads a host',
    (a) => (a.changes[0].shift = [{ host: 'h1', column: 'a', rate: 200 }]),
    /uses 2 of 1 cpu/,
  ],
] as [string, (answer: Mutable) => unknown, RegExp][]) {
  test(`the checker finds ${what}`, () => {
    const answer = answered(DOCUMENT);
    spoil(answer);
    const faults = check(DOCUMENT, answer);
    assert.ok(
      faults.some((each) => fault.test(each)),
      faults.join('\n') || 'nothing',
    );
  });
}

test('the checker counts conflicts', () => {
  const answer = answered(DOCUMENT);
  const document = structuredClone(DOCUMENT);
  document.workloads[0]!.pressure = { cpu: 9 };
  document.workloads[1]!.sensitivity = { cpu: 9 };
  answer.instances = [
    { host: 'h2', workload: 'a', count: 1 },
    { host: 'h2', workload: 'b', count: 1 },
  ];
  assert.ok(check(document, answer).some((each) => /h2 uses/.test(each)));
});
