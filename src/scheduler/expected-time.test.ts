import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom } from '../placement/random.ts';
import { ExpectedTime } from './expected-time.ts';

function feed(time: ExpectedTime, count: number, draw: () => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    time.answered(draw());
    if (i >= count / 2) sum += time.milliseconds;
  }
  return sum / (count / 2);
}

test('it is what forty-nine of fifty are below, whatever they are, and follows them', () => {
  const random = seededRandom(1);
  const exponential = (mean: number) => () => -mean * Math.log(1 - random());
  const time = new ExpectedTime();
  for (const mean of [20, 2000, 50]) {
    const found = feed(time, 20_000, exponential(mean));
    const truth = mean * Math.log(50);
    assert.ok(Math.abs(found / truth - 1) < 0.15, `${found} for ${truth}`);
  }
  const even = feed(time, 20_000, () => 100 * random());
  assert.ok(Math.abs(even / 98 - 1) < 0.1, `${even}`);
});

test('one that nobody waited for tells how long it took at least', () => {
  const time = new ExpectedTime();
  assert.equal(time.milliseconds, 0);
  time.unanswered(500);
  assert.equal(time.milliseconds, 500);
  time.unanswered(400);
  assert.equal(time.milliseconds, 500, 'it may have taken longer, or not');
  time.unanswered(600);
  assert.ok(time.milliseconds > 500);
});

test('of times that cannot be measured it stays a number above 0', () => {
  const time = new ExpectedTime();
  for (let i = 0; i < 100_000; i++) time.answered(0);
  assert.equal(time.milliseconds, 0.1);
  for (let i = 0; i < 100; i++) time.answered(10);
  assert.ok(time.milliseconds > 5);
});
