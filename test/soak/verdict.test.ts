import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { LatencyWindow } from './latency.ts';
import type { Level, Sample } from './sampling.ts';
import { judge, shortfall } from './verdict.ts';

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

const compiled = (minute: number): number => -2e6 * Math.exp(-minute / 15);

interface Leak {
  /** Per hour. */
  readonly rss?: number;
  readonly objects?: number;
  readonly descriptors?: number;
  /** Shares of p99 per hour, of what the proxy does and of what the machine does to all. */
  readonly latency?: number;
  readonly machine?: number;
}

/**
 * As runs look: after a collection memory scatters by half a MB; in between it comes and goes by some MB over tens of minutes,
 * caches fill in the first ten, and 2 MB of code are compiled in the first hour.
 */
function run(leak: Leak, seed: number, minutes = 120) {
  const { rss = 0, objects = 0, descriptors = 0, latency = 0, machine = 0 } = leak;
  const random = numbers(seed);
  const scatter = () => random() + random() + random() - 1.5;
  const level = (minute: number) =>
    1e6 * (180 - 20 * Math.exp(-minute / 2)) + compiled(minute) + (rss * 1e6 * minute) / 60;
  const levels: Level[] = Array.from({ length: 48 }, (_, index) => {
    const minute = ((index + 1) * minutes) / 48;
    return {
      minute,
      rss: level(minute) + 5e5 * scatter(),
      heap: {
        main: { objects: 1.5e7 + 5e4 * scatter() + (objects * 1e6 * minute) / 60, code: 4e6 + compiled(minute) },
        workers: [{ objects: 1e7 + 5e4 * scatter(), code: 3e6 }],
      },
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
  const latencies: LatencyWindow[] = Array.from({ length: minutes }, (_, index) => {
    const loaded = (1 + (machine * index) / 60) * (1 + 0.2 * random());
    const direct = 1.5 * loaded;
    return { minute: index + 1, direct, proxied: 3 * loaded * (1 + (latency * index) / 60) * (1 + 0.1 * scatter()) };
  });
  return judge(samples, levels, latencies);
}

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);
const found = (leak: Leak, what: RegExp, minutes = 120) =>
  SEEDS.filter((seed) => run(leak, seed, minutes).faults.some((fault) => what.test(fault))).length;

test('a leak of 1 MB/h is found in two hours, in memory as among objects', () => {
  assert.ok(found({ rss: 1 }, /^resident memory after a collection/) >= 95);
  assert.ok(found({ objects: 1 }, /^objects after a collection grows?/) >= 95);
});

test('latency that grows by a quarter in two hours is found, and not where all that the machine does takes longer', () => {
  assert.ok(found({ latency: 0.125 }, /^latency: p99/) >= 95);
  assert.ok(found({ machine: 0.5 }, /^latency/) <= 5);
});

test('what does not grow is flat, however it goes up and down in between', () => {
  assert.ok(found({}, /./) <= 5);
});

test('a descriptor that is lost every four minutes is found', () => {
  assert.ok(found({ descriptors: 15 }, /^descriptors grow/) >= 95);
});

test('a run that is too short to tell is not called flat', () => {
  assert.equal(found({}, /(?:is not shown to grow by less|grows by).* MB\/h/, 12), 100);
  assert.equal(found({}, /^latency/, 12), 100);
});

test('growth is told with its bounds', () => {
  const { faults } = run({ rss: 4 }, 1);
  assert.match(faults[0] ?? '', /^resident memory after a collection grows by [34]\.\d\d \(\d\.\d … \d\.\d\) MB\/h$/);
});

test('a run that left out more than a hundredth of what was due is at fault', () => {
  assert.deepEqual(shortfall({ all: 1_000, notSent: 10 }), []);
  assert.match(shortfall({ all: 1_000, notSent: 11 })[0] ?? '', /^11 of 1000 requests were not sent/);
});
