import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import fc from 'fast-check';

import type { RateLimit } from '../../model/snapshot.ts';
import { Rate } from './rate.ts';

const SECOND = 1_000_000_000n;

const make = (limit: RateLimit, replicas = 1) => {
  const shared = Int32Array.of(replicas);
  return { rate: new Rate(limit, new BigInt64Array(1), 0, shared), shared };
};

const takes = (rate: Rate, now: bigint, times: number) =>
  Array.from({ length: times }, () => rate.take(now)).filter((wait) => wait === 0).length;

void test('a burst at once, then evenly', () => {
  const { rate } = make({ requests: 10, per: 1000, burst: 5 });
  let now = 100n * SECOND;
  assert.equal(takes(rate, now, 20), 5);
  now += SECOND / 10n;
  assert.equal(takes(rate, now, 20), 1);
  now += SECOND;
  assert.equal(takes(rate, now, 20), 5, 'what was not used is kept up to the burst');
});

void test('who is refused hears when to come again, and takes nothing', () => {
  const { rate } = make({ requests: 6, per: 60_000, burst: 1 });
  const now = 5n * SECOND;
  assert.equal(rate.take(now), 0);
  assert.equal(rate.take(now), 10);
  assert.equal(rate.take(now + 8n * SECOND), 2);
  assert.equal(rate.take(now + 10n * SECOND), 0);
});

void test('the limit is divided by the number of proxies, also when that changes', () => {
  const { rate, shared } = make({ requests: 100, per: 1000, burst: 100 }, 4);
  let now = SECOND;
  assert.equal(takes(rate, now, 200), 25);
  now += SECOND;
  assert.equal(takes(rate, now, 200), 25);
  shared[0] = 2;
  now += 2n * SECOND;
  assert.equal(takes(rate, now, 200), 50);
  shared[0] = 1000;
  now += 100n * SECOND;
  assert.equal(takes(rate, now, 200), 1, 'never nothing');
});

void test('over any time no more than the burst and what that time brings', () => {
  const limit = fc.record({
    requests: fc.integer({ min: 1, max: 1000 }),
    per: fc.constantFrom(1000, 60_000, 3_600_000),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  const pauses = fc.array(fc.bigInt({ min: 0n, max: 10n * SECOND }), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(limit, pauses, (given, steps) => {
      const { rate } = make(given);
      const start = 7n * SECOND;
      let now = start;
      let taken = 0;
      for (const step of steps) {
        now += step;
        if (rate.take(now) === 0) taken++;
        const most = given.burst + (Number(now - start) * given.requests) / (given.per * 1e6);
        assert.ok(taken <= most + 1e-6, `${taken} of ${most}`);
      }
    }),
  );
});

void test('threads that take at the same time share one limit exactly', async () => {
  const due = new BigInt64Array(new SharedArrayBuffer(8));
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.url).then(({ Rate }) => {
      const rate = new Rate(workerData.limit, workerData.due, 0, Int32Array.of(1));
      let taken = 0;
      for (let i = 0; i < 20000; i++) if (rate.take() === 0) taken++;
      parentPort.postMessage(taken);
    });`;
  const limit = { requests: 1, per: 3_600_000, burst: 15_000 };
  const url = new URL('rate.ts', import.meta.url).href;
  const taken = await Promise.all(
    [0, 1, 2].map(async () => {
      const worker = new Worker(code, { eval: true, workerData: { url, limit, due } });
      return await new Promise<number>((resolve, reject) => worker.on('message', resolve).on('error', reject));
    }),
  );
  assert.equal(
    taken.reduce((sum, each) => sum + each, 0),
    15_000,
  );
});
