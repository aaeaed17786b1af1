import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CellWindow } from '../../learning/windows.ts';
import { AnsweredHistory } from './answered-history.ts';

const window = (answered: number, app = 'shop'): CellWindow => ({
  matrix: 'd/m',
  server: 'd/web1',
  app,
  arrivals: answered + 1,
  answered,
  seconds: answered / 10,
  failures: 0,
  timeouts: 0,
  levels: null,
});

/** A second each, from 0 on: so many answers as its number. */
function filled(seconds: number): AnsweredHistory {
  const history = new AnsweredHistory();
  for (let at = 0; at < seconds; at++) history.add([window(at)], 1000 * at, 1000 * (at + 1));
  return history;
}

test('tells what was answered between two times, and of buckets that lie in it in part their part', () => {
  const history = filled(20);
  const between = (from: number, to: number) => history.between(from, to)?.('d/m', 'd/web1', 'shop');
  const { arrivals, answered, seconds } = between(4000, 8000)!;
  assert.deepEqual([arrivals, answered], [26, 22]);
  assert.ok(Math.abs(seconds - 2.2) < 1e-9);
  // Buckets of two seconds: 4 and 5, 6 and 7.
  assert.equal(between(5000, 7000)!.answered, (4 + 5) / 2 + (6 + 7) / 2);
  assert.equal(history.between(4000, 8000)!('d/m', 'd/web1', 'blog').answered, 0);
});

test('says nothing of a time that it does not know whole', () => {
  const history = filled(300);
  assert.equal(history.between(299_000, 301_000), null);
  assert.equal(history.between(100_000, 110_000), null, 'too long ago');
  assert.notEqual(history.between(125_000, 300_000), null);
  assert.equal(new AnsweredHistory().between(0, 1), null);
});

test('says nothing over a gap, or where the clock was set', () => {
  const history = filled(20);
  history.add([window(1)], 25_000, 26_000);
  assert.equal(history.between(18_000, 26_000), null);
  assert.equal(history.between(25_000, 26_000)!('d/m', 'd/web1', 'shop').answered, 1);
  history.add([window(1)], 5000, 6000);
  assert.equal(history.between(25_000, 26_000), null);
});
