import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { seededRandom } from '../placement/random.ts';
import { addArrivals, demandOf, newDemand } from './demand.ts';
import { classMean, EXPIRY, given, learned } from './figure.ts';
import { addToMean, meanOf, newMean } from './mean.ts';

test('a steady demand is known from the first window on', () => {
  const demand = newDemand();
  assert.equal(demandOf(demand, 60), null);
  for (let second = 1; second <= 200; second++) {
    addArrivals(demand, 40, 1, second * 1000, 60);
    assert.ok(Math.abs(demandOf(demand, 60)!.value - 40) < 1e-9);
  }
  assert.equal(demandOf(demand, 60)!.count, 8000);
});

test('after a change 63 of 100 of it are seen in a minute, however long the windows are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), (length) => {
      const demand = newDemand();
      for (let at = 0; at < 6000; at += length) addArrivals(demand, 10 * length, length, at, 60);
      let passed = 0;
      for (; passed + length <= 60; passed += length) addArrivals(demand, 110 * length, length, 6000, 60);
      const expected = 110 - 100 * Math.exp(-passed / 60);
      assert.ok(Math.abs(demandOf(demand, 60)!.value - expected) < 1e-6);
    }),
  );
});

test('the spread is that of intervals: bursts of seconds that even out do not count, a swing of minutes does', () => {
  const [bursts, swing] = [newDemand(), newDemand()];
  for (let second = 0; second < 6000; second++) {
    addArrivals(bursts, second % 2 === 0 ? 80 : 0, 1, second * 1000, 60);
    addArrivals(swing, second % 240 < 120 ? 80 : 0, 1, second * 1000, 60);
  }
  assert.ok(Math.sqrt(demandOf(bursts, 60)!.variance) < 1);
  assert.ok(Math.sqrt(demandOf(swing, 60)!.variance) > 20);
});

test('what nobody has asked for is not known; what nobody asks for any more is 0', () => {
  const demand = newDemand();
  addArrivals(demand, 0, 1, 1000, 60);
  assert.equal(demandOf(demand, 60), null);
  addArrivals(demand, 5, 1, 2000, 60);
  for (let second = 3; second < 2000; second++) addArrivals(demand, 0, 1, second * 1000, 60);
  assert.ok(demandOf(demand, 60)!.value < 1e-9);
});

test('a mean is that of its requests, and its error shrinks as there are more', () => {
  const random = seededRandom(3);
  const mean = newMean();
  addToMean(mean, 99, 0, 1);
  assert.equal(meanOf(mean), null);
  let before = Infinity;
  for (let window = 0; window < 400; window++) {
    addToMean(mean, 0.1 + (random() - 0.5) / 50, 20, window);
    if (window % 100 !== 99) continue;
    const error = Math.sqrt(meanOf(mean)!.variance);
    assert.ok(error < before, `${error} after ${before}`);
    before = error;
  }
  const { value, variance } = meanOf(mean)!;
  assert.ok(Math.abs(value - 0.1) < 4 * Math.sqrt(variance), `${value} ±${Math.sqrt(variance)}`);
});

test('a mean follows a change within its memory', () => {
  const mean = newMean();
  for (let window = 0; window < 1000; window++) addToMean(mean, 1, 100, window);
  for (let window = 0; window < 500; window++) addToMean(mean, 2, 100, window);
  assert.ok(meanOf(mean)!.value > 1.98);
});

test('figures say what they come from; a day later it is not known any more', () => {
  const figure = learned({ value: 10, count: 3, variance: 4, at: 5000 }, 7000)!;
  assert.deepEqual({ ...figure, upper: 0 }, { value: 10, source: 'learned', count: 3, error: 2, upper: 0, age: 2 });
  assert.ok(Math.abs(figure.upper - 11.6832) < 1e-9);
  assert.equal(learned({ value: 10, count: 3, variance: 4, at: 5000 }, 5000 + EXPIRY + 1), null);
  assert.equal(given(3).upper, 3);
  const mean = classMean([figure, null, { ...figure, value: 14 }])!;
  assert.deepEqual([mean.value, mean.source, mean.age], [12, 'default', null]);
  assert.ok(mean.error > 2, 'they differ, too');
  assert.equal(classMean([null]), null);
});
