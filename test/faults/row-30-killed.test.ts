/**
 * Row 30: the serving process is killed. Its supervisor keeps the listening socket: who connects meanwhile waits and is
 * served. (Workers that throw, stall or run out of memory are tested beside their pool, in src/proxy/main.)
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer } from './load.ts';
import { startServe } from './serve.ts';

test('30. the serving process is killed', { timeout: FULL ? 300_000 : 60_000 }, async (t) => {
  const origin = await LoadServer.start();
  const served = await startServe({ servers: [{ port: origin.port }] });
  t.after(async () => {
    await served.stop();
    await origin.close();
  });
  const where = { address: served.address, port: served.port };
  const times: number[] = [];
  for (let left = count(2, 10); left > 0; left--) {
    const old = served.servingPid;
    process.kill(old, 'SIGKILL');
    const started = performance.now();
    // Fresh connections from the moment of the kill on: none may be refused, each must be answered.
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await sleep(10 * index);
        return load({ ...where, connections: 1, requests: 1, make: () => get('/') });
      }),
    );
    times.push(performance.now() - started);
    assert.deepEqual(
      answers.flatMap((answer) => answer.errors),
      [],
      served.log.slice(-2000),
    );
    assert.deepEqual(
      answers.map((answer) => answer.statuses),
      Array.from({ length: 20 }, () => ({ 200: 1 })),
    );
    assert.notEqual(served.servingPid, old);
    // The supervisor backs off from crash loops; that is not what is measured here.
    if (left > 1) await sleep(count(0, 11_000));
  }
  report(30, 'the serving process is killed', { kills: times.length, servedAgainMs: percentiles(times) });
});
