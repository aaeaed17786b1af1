import assert from 'node:assert/strict';
import { test } from 'node:test';

import { timeBucket, TIMES } from '../model/answer-times.ts';
import { seededRandom } from '../placement/random.ts';
import { type AppWindow, KEPT, worseThan } from './health.ts';

/** So many answers whose times follow from a number that is uniform in 0 … 1. */
function windowOf(answered: number, seconds: (uniform: number) => number, random: () => number): AppWindow {
  const times = Array.from({ length: TIMES }, () => 0);
  let sum = 0;
  for (let i = 0; i < answered; i++) {
    const each = seconds(random());
    sum += each;
    times[timeBucket(1000 * each)]!++;
  }
  return { rate: answered / 60, tries: answered, failures: 0, answered, seconds: sum, times };
}

const exponential = (mean: number) => (uniform: number) => -mean * Math.log(1 - uniform);
/** One of fifty takes twenty times as long. */
const mixed = (mean: number) => (uniform: number) =>
  exponential(uniform < 0.02 ? 20 * mean : mean)((uniform * 7919) % 1);

test('chance alone makes nobody worse off in two windows in a row', () => {
  const random = seededRandom(7);
  for (const times of [exponential(0.05), mixed(0.05)]) {
    for (const answered of [500, 3000]) {
      let [flagged, inARow, last] = [0, 0, false];
      for (let trial = 0; trial < 300; trial++) {
        const before = Array.from({ length: KEPT }, () => ({ shop: windowOf(answered, times, random) }));
        const isWorse = 'shop' in worseThan(before, { shop: windowOf(answered, times, random) });
        if (isWorse) flagged++;
        if (isWorse && last) inARow++;
        last = isWorse;
      }
      assert.ok(flagged <= 9, `${flagged} of 300 windows of ${answered}`);
      assert.equal(inARow, 0);
    }
  }
});

test('slowest answers that become slower are seen, where the mean hides them', () => {
  const random = seededRandom(8);
  // One of fifty waits for half a second: a fifth more in the mean, of which noise between windows makes nothing certain.
  const before = [0.9, 1.1, 0.95, 1.05, 1].map((factor) => ({
    shop: windowOf(2000, (uniform) => factor * exponential(0.05)(uniform), random),
  }));
  const slow = windowOf(2000, (uniform) => (uniform < 0.02 ? 0.5 : exponential(0.05)(random())), random);
  assert.match(
    worseThan(before, { shop: slow })['shop']!,
    /^one of a hundred of its answers takes more than [45]\d\d ms/,
  );
});

test('of few answers, and where none were told apart by time, nothing is said of the slowest', () => {
  const random = seededRandom(9);
  const before = Array.from({ length: KEPT }, () => ({ shop: windowOf(400, exponential(0.05), random) }));
  const slow = windowOf(400, (uniform) => (uniform < 0.03 ? 0.3 : exponential(0.045)(random())), random);
  assert.deepEqual(worseThan(before, { shop: slow }), {});
  const untold = Array.from({ length: KEPT }, () => ({
    shop: { ...windowOf(900, exponential(0.05), random), times: [] },
  }));
  assert.deepEqual(worseThan(untold, { shop: windowOf(900, exponential(0.05), random) }), {});
});
