/** Row 2: one of three servers refuses connections. Nobody sees an error; it is left out at once, and comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newPorts } from '../robustness/address.ts';
import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer, post } from './load.ts';
import { startServe } from './serve.ts';

const INTERVAL = 300;

test('2. one of three servers refuses', { timeout: FULL ? 600_000 : 60_000 }, async (t) => {
  const healthCheck = { path: '/healthz', interval: `${INTERVAL}ms`, timeout: '1s', healthy: 1, unhealthy: 2 };
  const address = '127.0.0.1';
  const origins = [await LoadServer.start(), await LoadServer.start()];
  // Of the range below the ephemeral ports: nobody else will sit there.
  const [deadPort] = (await newPorts(1)) as [number];
  const servers = [...origins.map(({ port }) => port), deadPort].map((port) => ({ address, port, healthCheck }));
  const served = await startServe({ servers, rule: { retry: { attempts: 2, on: ['ConnectFailure'] } } });
  t.after(async () => {
    await served.stop();
    await Promise.all(origins.map((origin) => origin.close()));
  });
  const requests = count(4000, 100_000);
  const where = { address: served.address, port: served.port, connections: 32 };
  const outcome = await load({ ...where, requests, make: (i) => (i % 2 === 0 ? get(`/${i}`) : post(`/${i}`)) });
  const served200 = outcome.statuses[200] ?? 0;
  const twice = origins.flatMap((origin) => [...origin.seen]).filter(([target, n]) => target !== '/healthz' && n > 1);

  const revived = await LoadServer.start(deadPort);
  t.after(() => revived.close());
  const started = performance.now();
  let back = Number.NaN;
  for (let left = 200; left > 0 && Number.isNaN(back); left--) {
    await load({ ...where, connections: 1, requests: 6, make: () => get('/back') });
    if (revived.seen.has('/back')) back = performance.now() - started;
    else await sleep(20);
  }
  report(2, 'one of three servers refuses', {
    requests,
    statuses: outcome.statuses,
    errors: outcome.errors.length,
    milliseconds: percentiles(outcome.milliseconds),
    readmittedMs: Math.round(back),
    checkIntervalMs: INTERVAL,
  });
  assert.deepEqual(outcome.errors, []);
  assert.equal(served200, requests, JSON.stringify(outcome.statuses));
  assert.deepEqual(twice, [], 'executed twice');
  assert.ok(back <= (FULL ? 2 * INTERVAL : 20 * INTERVAL), `back after ${back} ms`);
});
