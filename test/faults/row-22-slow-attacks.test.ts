/** Row 22: many connections that send heads, send bodies or read answers as slowly as they can. Others are served. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer } from './load.ts';
import type { Attack, Ready } from './row-22-attackers.ts';
import { startServe } from './serve.ts';

const CLIENTS = count(300, 4000);
const SECONDS = count(4, 120);
const HEAD = 'GET /attack HTTP/1.1\r\nHost: a.example\r\n';
const POST = 'POST /attack HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\n';

const ATTACKS: Record<string, Pick<Attack, 'first' | 'later' | 'reads'>> = {
  'slow heads': { first: HEAD, later: 'X: y\r\n', reads: true },
  'slow bodies': { first: POST, later: 'x', reads: true },
  'slow reading': { first: get('/attack'), later: '', reads: false },
  'nothing at all': { first: '', later: '', reads: true },
};

describe('22. slow attacks', { concurrency: false }, () => {
  for (const [name, { first, later, reads }] of Object.entries(ATTACKS)) {
    test(name, { timeout: FULL ? 300_000 : 60_000 }, async (t) => {
      const origin = await LoadServer.start();
      const attackers = fork(join(import.meta.dirname, 'row-22-attackers.ts'));
      const gone = once(attackers, 'exit');
      const [{ port }] = (await once(attackers, 'message')) as [Ready];
      const limits = FULL ? {} : { headTimeout: '2s', readTimeout: '2s', writeTimeout: '2s', keepAliveTimeout: '2s' };
      const served = await startServe({
        servers: [{ port: origin.port }, { port }],
        rules: [
          { match: { path: { type: 'Prefix', value: '/attack' } }, servers: [{ server: 'web1', weight: 1 }] },
          { servers: [{ server: 'web0', weight: 1 }] },
        ],
        limits,
      });
      t.after(async () => {
        if (attackers.connected) attackers.disconnect();
        await gone;
        await served.stop();
        await origin.close();
      });
      const pids = served.pids.join();
      attackers.send({
        address: served.address,
        port: served.port,
        clients: CLIENTS,
        first,
        later,
        reads,
      } satisfies Attack);
      await sleep(2500);
      const probes = count(20, 1) * SECONDS;
      const outcome = await load({
        address: served.address,
        port: served.port,
        connections: 2,
        requests: probes,
        rate: probes / SECONDS,
        make: () => `GET / HTTP/1.1\r\nHost: a.example\r\n\r\n`,
      });
      const milliseconds = percentiles(outcome.milliseconds);
      report(22, name, {
        clients: CLIENTS,
        seconds: SECONDS,
        statuses: outcome.statuses,
        errors: outcome.errors.length,
        milliseconds,
      });
      assert.deepEqual(outcome.errors, [], served.log.slice(-2000));
      assert.equal(outcome.statuses[200], probes, JSON.stringify(outcome.statuses));
      assert.ok(milliseconds.p99 <= (FULL ? 200 : 2000), JSON.stringify(milliseconds));
      assert.equal(served.pids.join(), pids, served.log.slice(-2000));
    });
  }
});
