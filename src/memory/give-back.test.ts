import assert from 'node:assert/strict';
import { once } from 'node:events';
import { memoryUsage } from 'node:process';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';

import { giveBack, giveBackBriefly } from './give-back.ts';

test('what nobody holds is collected, and its memory is given back', async () => {
  let garbage: object[] | null = Array.from({ length: 300_000 }, (_, i) => ({ i, text: `${i}` }));
  const reference = new WeakRef(garbage);
  const before = memoryUsage().heapTotal;
  garbage = null;
  // A WeakRef holds what it refers to until the turn is over.
  await turn();
  giveBack();
  assert.equal(reference.deref(), undefined);
  assert.ok(memoryUsage().heapTotal < before - 10_000_000);
});

test('briefly: what nobody holds is collected, buffers too', async () => {
  let garbage: Uint8Array[] | null = Array.from({ length: 10 }, () => new Uint8Array(1 << 20));
  const reference = new WeakRef(garbage);
  const before = memoryUsage().arrayBuffers;
  garbage = null;
  await turn();
  giveBackBriefly();
  assert.equal(reference.deref(), undefined);
  assert.ok(memoryUsage().arrayBuffers <= before - (10 << 20));
});

test('a script that is run later has no way to collect', () => {
  giveBack();
  assert.equal(runInNewContext('typeof gc'), 'undefined');
});

test('several threads at once', async () => {
  const source = `
    import { giveBack } from ${JSON.stringify(import.meta.resolve('./give-back.ts'))};
    for (let i = 0; i < 15; i++) giveBack();
  `;
  const threads = Array.from(
    { length: 4 },
    () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`)),
  );
  const codes = await Promise.all(
    threads.map(async (thread) => {
      const [code] = (await once(thread, 'exit')) as [number];
      return code;
    }),
  );
  assert.deepEqual(codes, [0, 0, 0, 0]);
});
