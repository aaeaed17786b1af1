import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { seededRandom } from '../placement/random.ts';
import { addTimes, timeBucket, timeQuantile, TIMES, timesAbove, timesSince } from './answer-times.ts';

const counted = (milliseconds: readonly number[]): number[] => {
  const times = Array.from({ length: TIMES }, () => 0);
  for (const each of milliseconds) times[timeBucket(each)]!++;
  return times;
};

test('a bucket is for what lies between two powers of the root of 2', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100_000, noNaN: true }), (milliseconds) => {
      const at = timeBucket(milliseconds);
      assert.ok(at === 0 || milliseconds >= 2 ** ((at - 1) / 2) * (1 - 1e-12));
      assert.ok(at === TIMES - 1 || milliseconds < 2 ** (at / 2) * (1 + 1e-12));
    }),
  );
  assert.deepEqual([0, 0.99, 1, 1.4, 1.5, 2, 1e9].map(timeBucket), [0, 0, 1, 1, 2, 3, TIMES - 1]);
});

test('percentiles are known within a fifth, and how many are above them', () => {
  const random = seededRandom(1);
  for (const mean of [3, 40, 700]) {
    const sorted = Array.from({ length: 20_000 }, () => -mean * Math.log(1 - random())).toSorted((a, b) => a - b);
    const times = counted(sorted);
    for (const part of [0.5, 0.9, 0.99]) {
      const truth = sorted[Math.floor(part * sorted.length)]!;
      const found = timeQuantile(times, part)!;
      assert.ok(Math.abs(found / truth - 1) < 0.2, `${part} of ${mean}: ${found}, in truth ${truth}`);
      assert.ok(Math.abs(timesAbove(times, found) - (1 - part) * sorted.length) < 1e-6 * sorted.length);
    }
  }
  assert.equal(timeQuantile([], 0.99), null);
  assert.equal(timeQuantile([0, 0], 0.5), null);
});

test('what was counted since is that, even where a counter has begun anew', () => {
  const times = fc.array(fc.nat(1000), { maxLength: TIMES });
  fc.assert(
    fc.property(times, times, (before, more) => {
      const now = addTimes(before, more);
      const since = timesSince(before, now);
      for (let at = 0; at < TIMES; at++) assert.equal(since[at] ?? 0, more[at] ?? 0);
    }),
  );
  assert.deepEqual(timesSince([2 ** 32 - 3, 5], [4, 6]), [7, 1]);
  assert.deepEqual(timesSince(undefined, [1]), [1]);
});
