import assert from 'node:assert/strict';
import { test } from 'node:test';

import { finish, Slices } from './slices.ts';

function* steps(count: number, each: (step: number) => void): Generator<void, string> {
  for (let step = 0; step < count; step++) {
    each(step);
    yield;
  }
  return 'done';
}

test('all steps in one go, or with turns of the event loop in between: the same result', async () => {
  const order: (number | string)[] = [];
  assert.equal(finish(steps(3, (step) => order.push(step))), 'done');
  assert.deepEqual(order.splice(0), [0, 1, 2]);
  setImmediate(() => order.push('turn'));
  // Every slice is over when it begins.
  assert.equal(await new Slices(-1).all(steps(3, (step) => order.push(step))), 'done');
  assert.deepEqual(order, [0, 'turn', 1, 2]);
});

test('what has time enough takes one slice', async () => {
  const order: (number | string)[] = [];
  setImmediate(() => order.push('turn'));
  await new Slices(60_000).all(steps(3, (step) => order.push(step)));
  assert.deepEqual(order, [0, 1, 2]);
});

const failing = () =>
  steps(1, () => {
    throw new Error('no');
  });

test('an error in a step is the caller’s', async () => {
  assert.throws(() => finish(failing()), /no/);
  await assert.rejects(new Slices(1).all(failing()), /no/);
});
