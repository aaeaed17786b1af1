/** Row 4: a server accepts and never answers. 504 at the timeout, and what is not idempotent is sent once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { count, FULL, percentiles, report } from './figures.ts';
import { load, LoadServer, post } from './load.ts';
import { startServe } from './serve.ts';

const TIMEOUT = 500;

test('4. a server that hangs', { timeout: FULL ? 300_000 : 60_000 }, async (t) => {
  const origins = [await LoadServer.start(), await LoadServer.start()];
  for (const origin of origins) origin.answer = () => {};
  const rule = { timeouts: { request: `${TIMEOUT}ms` }, retry: { attempts: 2, on: ['ConnectFailure', 'Reset'] } };
  const served = await startServe({ servers: origins.map(({ port }) => ({ port })), rule });
  t.after(async () => {
    await served.stop();
    await Promise.all(origins.map((origin) => origin.close()));
  });
  const requests = count(300, 10_000);
  const where = { address: served.address, port: served.port, connections: 100 };
  const outcome = await load({ ...where, requests, make: (i) => post(`/${i}`) });
  const executed = new Map<string, number>();
  for (const origin of origins) {
    for (const [target, times] of origin.seen) executed.set(target, (executed.get(target) ?? 0) + times);
  }
  const milliseconds = percentiles(outcome.milliseconds);
  const twice = [...executed].filter(([, times]) => times > 1);
  report(4, 'a server that hangs', { requests, statuses: outcome.statuses, milliseconds, executedTwice: twice.length });
  assert.deepEqual(outcome.errors, []);
  // At most half of a row is ever ejected: however often that is, somebody is asked.
  assert.deepEqual(outcome.statuses, { 504: requests });
  assert.deepEqual(twice, [], 'executed twice');
  assert.ok(milliseconds.p50 <= TIMEOUT + (FULL ? 50 : 1000), JSON.stringify(milliseconds));
});
