import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Level, Sample } from './sampling.ts';
import { judge } from './verdict.ts';

/** Numbers from 0 to 1 that are the same in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Leak {
  /** Per hour. */
  readonly rss?: number;
  readonly heap?: number;
  readonly descriptors?: number;
}

/**
 * As runs look: after a collection memory scatters by half a MB; in between it comes and goes by some MB over tens of minutes, and
 * caches fill in the first ten.
 */
function run({ rss = 0, heap = 0, descriptors = 0 }: Leak, seed: number, minutes = 120) {
  const random = numbers(seed);
  const scatter = () => random() + random() + random() - 1.5;
  const level = (minute: number) => 1e6 * (180 - 20 * Math.exp(-minute / 2)) + (rss * 1e6 * minute) / 60;
  const levels: Level[] = Array.from({ length: 24 }, (_, index) => {
    const minute = ((index + 1) * minutes) / 24;
    return {
      minute,
      rss: level(minute) + 5e5 * scatter(),
      heap: 4e7 + 1e5 * scatter() + (heap * 1e6 * minute) / 60,
    };
  });
  let wandered = 0;
  const samples: Sample[] = Array.from({ length: 6 * minutes }, (_, index) => {
    const minute = (index + 1) / 6;
    wandered += 0.3e6 * scatter() - wandered / 60;
    return {
      minute,
      rss: level(minute) + 1.5e7 + wandered,
      pss: 1e8,
      heap: 2e7,
      descriptors: Math.round(120 + 40 * random() + (descriptors * minute) / 60),
      threads: 12,
    };
  });
  return judge(samples, levels);
}

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);
const found = (leak: Leak, what: RegExp, minutes = 120) =>
  SEEDS.filter((seed) => run(leak, seed, minutes).faults.some((fault) => what.test(fault))).length;

test('a leak of 1 MB/h is found in two hours, in memory as in the heap', () => {
  assert.ok(found({ rss: 1 }, /^resident memory after a collection/) >= 95);
  assert.ok(found({ heap: 1 }, /^heap after a collection grows/) >= 95);
});

test('what does not grow is flat, however it goes up and down in between', () => {
  assert.ok(found({}, /./) <= 5);
});

test('a descriptor that is lost every four minutes is found', () => {
  assert.ok(found({ descriptors: 15 }, /^descriptors grow/) >= 95);
});

test('a run that is too short to tell is not called flat', () => {
  assert.equal(found({}, /is not shown to grow by less/, 12), 100);
});

test('growth is told with its bounds', () => {
  const { faults } = run({ rss: 4 }, 1);
  assert.match(faults[0] ?? '', /^resident memory after a collection grows by [34]\.\d\d \(\d\.\d … \d\.\d\) MB\/h$/);
});
