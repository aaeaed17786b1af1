import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { nextStep } from './memory-steps.ts';

/** The steps that these shares lead to, one after another. */
function steps(...shares: number[]): number[] {
  let step = 0;
  return shares.map((share) => (step = nextStep(step, share)));
}

test('one step at each threshold, all of them at once if need be', () => {
  assert.deepEqual(steps(0, 0.7499, 0.75, 0.7999, 0.8, 0.85, 1.2), [0, 0, 1, 1, 2, 3, 3]);
  assert.deepEqual(steps(0.99, 0), [3, 0]);
});

test('a step ends three points below where it began', () => {
  assert.deepEqual(steps(0.86, 0.83, 0.8199, 0.78, 0.7699, 0.73, 0.7199), [3, 3, 2, 2, 1, 1, 0]);
  assert.deepEqual(steps(0.75, 0.73, 0.74, 0.719, 0.74), [1, 1, 1, 0, 0]);
});

test('any history: a step is never lower than its share asks for, nor held above what ends it', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1.5, noNaN: true })), (shares) => {
      let before = 0;
      for (const share of shares) {
        const step = nextStep(before, share);
        assert.ok(step >= nextStep(0, share));
        assert.ok(step <= Math.max(before, nextStep(0, share)));
        assert.ok(step <= nextStep(0, share + 0.0301));
        before = step;
      }
    }),
  );
});
