import assert from 'node:assert/strict';
import { it } from 'node:test';

import { Lateness } from './lateness.ts';

const TICK = 50;

/** What is said at looks that come so many milliseconds too late, one after another. */
function looks(...lags: number[]): boolean[] {
  let now = 1000;
  const lateness = new Lateness(TICK, now);
  return lags.map((lag) => lateness.look((now += TICK + lag)));
}

const late = [600, 600, 600, 600, 600];

it('a loop is late when five looks in a row come more than half a second late', () => {
  assert.deepEqual(looks(501, 900, 501, 2000, 501), [false, false, false, false, true]);
  assert.ok(!looks(...Array.from({ length: 100 }, () => 500)).includes(true));
});

it('a pause is no lateness, however long, nor are four', () => {
  const pauses = [60_000, 60_000, 60_000, 60_000, 499];
  assert.ok(!looks(...pauses, ...pauses, ...pauses).includes(true));
});

it('it is well again when three looks in a row are on time', () => {
  assert.deepEqual(looks(...late, 0, 0, 249).slice(4), [true, true, true, false]);
  assert.deepEqual(looks(...late, 0, 0, 250, 0, 0, 0).slice(4), [true, true, true, true, true, true, false]);
});

it('once well, it takes five late looks again', () => {
  assert.deepEqual(looks(...late, 0, 0, 0, ...late).slice(7), [false, false, false, false, false, true]);
});
