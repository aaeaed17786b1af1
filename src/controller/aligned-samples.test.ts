import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AlignedSamples } from './aligned-samples.ts';

const proxy = (numbers: readonly number[], behind: number | null = 0) => ({
  programmed: { snapshot: '', listeners: [] },
  behind,
  samples: numbers.map((number) => ({ number, missed: [], endpoints: [] })),
});

function open() {
  const told: number[] = [];
  const samples = new AlignedSamples((milliseconds) => told.push(milliseconds));
  const take = (...proxies: ReturnType<typeof proxy>[]) => samples.take(proxies).map((all) => all.map((w) => w.number));
  return { told, take, samples };
}

test('a window is taken when all proxies have it, once', () => {
  const { take } = open();
  assert.deepEqual(take(), []);
  assert.deepEqual(take(proxy([5, 6]), proxy([5])), [[5, 5]]);
  assert.deepEqual(take(proxy([5, 6]), proxy([5])), []);
  assert.deepEqual(take(proxy([5, 6, 8]), proxy([5, 6, 7, 8])), [
    [6, 6],
    [8, 8],
  ]);
  assert.deepEqual(take(proxy([9])), [[9]], 'one alone');
});

test('a proxy that serves nothing yet is not waited for; one of a release that does not look is', () => {
  const { take, samples } = open();
  assert.deepEqual(take(proxy([1]), proxy([], null)), []);
  assert.equal(samples.take([proxy([2]), { ...proxy([], null), programmed: null }]).length, 1);
});

test('where clocks are put back, those that come then are taken, and none twice', () => {
  const { take } = open();
  assert.deepEqual(take(proxy([800, 801]), proxy([800, 801])), [
    [800, 800],
    [801, 801],
  ]);
  // One of them has come to its second window since, the other one to none yet.
  assert.deepEqual(take(proxy([81, 82]), proxy([800, 801])), []);
  assert.deepEqual(take(proxy([81, 82]), proxy([82])), [[82, 82]]);
  assert.deepEqual(take(proxy([81, 82]), proxy([82])), []);
  assert.deepEqual(take(proxy([82, 83]), proxy([82, 83])), [[83, 83]]);
  assert.deepEqual(take(proxy([]), proxy([])), []);
  assert.deepEqual(take(proxy([84]), proxy([84])), [[84, 84]]);
});

test('where clocks differ nothing is taken, and it is told once', () => {
  const { take, told } = open();
  assert.deepEqual(take(proxy([1], -3), proxy([1], 9)), []);
  assert.deepEqual(take(proxy([2], -3), proxy([2], 9)), []);
  assert.deepEqual(told, [12]);
  assert.deepEqual(take(proxy([3], 4), proxy([3], 9)), [[3, 3]]);
  assert.deepEqual(take(proxy([4], 0), proxy([4], 7)), []);
  assert.deepEqual(told, [12, 7], 'it has been well meanwhile');
});
