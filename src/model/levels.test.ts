import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { inflightAt, levelOf, LEVELS, widthOf } from './levels.ts';

void test('up to 15 each number has a level of its own', () => {
  for (let n = 1; n <= 15; n++) {
    assert.equal(levelOf(n), n - 1);
    assert.equal(inflightAt(n - 1), n);
  }
});

void test('levels rise with what is in flight, none is left out, and the last one takes all that is above', () => {
  let before = -1;
  for (let n = 1; n <= 5000; n++) {
    const level = levelOf(n);
    assert.ok(level === before || level === before + 1, `${n}: ${level} after ${before}`);
    before = level;
  }
  assert.equal(before, LEVELS - 1);
  assert.equal(levelOf(0x7fff_ffff), LEVELS - 1);
});

void test('a level stands for numbers within a sixteenth of its middle', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4095 }), (n) => {
      const middle = inflightAt(levelOf(n));
      assert.ok(Math.abs(middle - n) <= n / 16, `${n} stands at ${middle}`);
    }),
  );
});

test('a level is as wide as the numbers that are of it', () => {
  for (let level = 0; level < LEVELS - 1; level++) {
    const [lowest, highest] = [inflightAt(level) - widthOf(level) / 2, inflightAt(level) + widthOf(level) / 2];
    assert.deepEqual([levelOf(lowest), levelOf(highest), levelOf(highest + 1)], [level, level, level + 1]);
  }
});
