import assert from 'node:assert/strict';
import { test } from 'node:test';

import { plot } from './plot.ts';
import type { Sample } from './sampling.ts';
import { runSwaps } from './swaps.ts';
import { judge } from './verdict.ts';

test('snapshot swaps under load: no request fails, and old snapshots go', async () => {
  const result = await runSwaps(200);
  assert.deepEqual(result.failures, []);
  assert.ok(result.requests > 200, `${result.requests} requests`);
  // 130 more snapshots, at tens of KB each in every thread.
  const grown = (thread: 'main' | 'workers') => result.heapAfter[thread] - result.heapBefore[thread];
  assert.ok(grown('main') < 1.5e6 && grown('workers') < 1.5e6, JSON.stringify(result));
});

const samples = (grow: (minute: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 360 }, (_, index) => {
    const minute = index / 6;
    const saw = 5e6 * (index % 7);
    return { minute, rss: 1e8 + saw, pss: 1e8, heap: 2e7, descriptors: 60, threads: 12, ...grow(minute) };
  });

test('the verdict of a soak: a saw-tooth is flat, a slope is not', () => {
  const held = [
    { minute: 15, bytes: 2e7 },
    { minute: 60, bytes: 2.01e7 },
  ];
  assert.deepEqual(
    judge(
      samples(() => ({})),
      held,
    ).faults,
    [],
  );
  const leaking = judge(
    samples((minute) => ({ descriptors: 60 + minute })),
    [held[0] ?? { minute: 0, bytes: 0 }, { minute: 60, bytes: 2.2e7 }],
  );
  assert.deepEqual(
    leaking.faults.map((fault) => fault.split(' grow', 1)[0]),
    ['heap', 'descriptors'],
  );
  const growing = judge(
    samples((minute) => ({ rss: 1e8 + minute * 5e4 + 5e6 * (Math.round(minute * 6) % 7) })),
    held,
  );
  assert.match(growing.faults.join(), /^resident memory grows by 3\.\d\d MB\/h$/);
});

test('the picture of a soak is drawn', () => {
  const picture = plot(
    samples(() => ({})),
    'a title',
  );
  assert.match(picture, /^<svg [^>]+>[\s\S]*a title[\s\S]*60 min[\s\S]*<\/svg>\n$/);
});
