import assert from 'node:assert/strict';
import { test } from 'node:test';

import { heldBytes } from './heap.ts';
import { plot } from './plot.ts';
import type { Sample } from './sampling.ts';
import { runSwaps } from './swaps.ts';

test('snapshot swaps under load: no request fails, and old snapshots go', async () => {
  const result = await runSwaps(200);
  assert.deepEqual(result.failures, []);
  assert.ok(result.requests > 200, `${result.requests} requests`);
  // 130 more snapshots, at tens of KB each in every thread.
  const { heapBefore, heapAfter } = result;
  const main = heldBytes([heapAfter.main]) - heldBytes([heapBefore.main]);
  const workers = heldBytes(heapAfter.workers) - heldBytes(heapBefore.workers);
  assert.ok(main < 1.5e6 && workers < 1.5e6, JSON.stringify(result));
});

const samples = (grow: (minute: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 360 }, (_, index) => {
    const minute = index / 6;
    const saw = 5e6 * (index % 7);
    return { minute, rss: 1e8 + saw, pss: 1e8, heap: 2e7, descriptors: 60, threads: 12, ...grow(minute) };
  });

test('the picture of a soak is drawn', () => {
  const picture = plot(
    samples(() => ({})),
    [{ minute: 30, heap: { main: { objects: 1.5e7, code: 4e6 }, workers: [{ objects: 9e6, code: 3e6 }] }, rss: 1e8 }],
    'a title',
  );
  assert.match(picture, /^<svg [^>]+>[\s\S]*a title[\s\S]*60 min[\s\S]*<\/svg>\n$/);
});
