/** Row 19: hot restarts under load. Another serving process takes over the listening sockets, and no request fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { loadHttp2 } from './load-http2.ts';
import { get, load, LoadServer } from './load.ts';
import { type Served, startServe } from './serve.ts';

const RESTARTS = count(3, 100);
/** At 2,000 a second, over all; fewer where the restarts are through before. */
const RATE = count(400, 2000);
const REQUESTS = count(Infinity, 1_000_000);
const NAME = 'a.example';

test(
  '19. hot restarts under load, over kept-alive connections, TLS and HTTP/2',
  { timeout: FULL ? 1_800_000 : 110_000 },
  async (t) => {
    const origins = [await LoadServer.start(), await LoadServer.start()];
    const authority = makeAuthority();
    const served = await startServe({
      servers: origins.map(({ port }) => ({ port })),
      tls: authority.issue({ names: [NAME] }),
      drainTimeout: 30,
      // what a server without a processor to run on does to a request is not what this is about
      rule: { timeouts: { connect: '30s' } },
    });
    t.after(async () => {
      await served.stop();
      await Promise.all(origins.map((origin) => origin.close()));
    });
    let restarted = false;
    const tls = { ca: authority.certificate, servername: NAME };
    const part = {
      address: served.address,
      requests: REQUESTS / 4,
      rate: RATE / 4,
      over: () => !FULL && restarted,
    };
    const http1 = { ...part, connections: count(8, 32), make: (index: number) => get(`/${index}`) };
    const http2 = { ...part, connections: count(2, 8), streams: 4, path: (index: number) => `/${index}` };
    const loads = {
      keepAlive: load({ ...http1, port: served.port }),
      tls: load({ ...http1, port: served.tlsPort, tls }),
      http2: loadHttp2({ ...http2, port: served.port }),
      http2Tls: loadHttp2({ ...http2, port: served.tlsPort, tls }),
    };
    const pids = new Set([served.servingPid]);
    let notStarted = 0;
    const started = performance.now();
    for (let restart = 1; restart <= RESTARTS; restart++) {
      // spread over the whole load
      if (FULL)
        await sleep(Math.max(0, started + (restart * 1000 * REQUESTS) / RATE / (RESTARTS + 1) - performance.now()));
      notStarted += await hotRestart(served);
      pids.add(served.servingPid);
    }
    restarted = true;
    const outcomes = {
      keepAlive: await loads.keepAlive,
      tls: await loads.tls,
      http2: await loads.http2,
      http2Tls: await loads.http2Tls,
    };
    const requests = Object.values(outcomes).reduce((sum, { milliseconds }) => sum + milliseconds.length, 0);
    report(19, 'hot restarts', {
      restarts: RESTARTS,
      notStarted,
      requestsPerSecond: { asked: RATE, came: Math.round((1000 * requests) / (performance.now() - started)) },
      ...Object.fromEntries(
        Object.entries(outcomes).map(([name, { errors, milliseconds, ...counts }]) => [
          name,
          { ...counts, errors: errors.length, milliseconds: percentiles(milliseconds) },
        ]),
      ),
    });
    assert.equal(pids.size, RESTARTS + 1, 'each restart is another process');
    for (const { statuses, errors, milliseconds } of Object.values(outcomes)) {
      assert.deepEqual(errors, []);
      assert.deepEqual(Object.keys(statuses), ['200']);
      assert.ok(milliseconds.length > 100 && (!FULL || milliseconds.length === REQUESTS / 4));
    }
    // each restart has ended each connection: else nothing was tried
    for (const { sessions } of [outcomes.http2, outcomes.http2Tls])
      assert.ok(sessions >= http2.connections * RESTARTS, `${sessions} sessions`);
  },
);

/**
 * Until another process serves and the old one has gone. One that does not come up (on a machine that is too busy) costs no
 * request, and is asked for again. There is no event of another process but its log.
 * @returns how many did not come up
 */
async function hotRestart(served: Served): Promise<number> {
  for (let failed = 0; failed < 5; failed++) {
    const ended = times(served, 'old serving process ended');
    const given = times(served, 'new serving process failed');
    process.kill(served.child.pid!, 'SIGUSR2');
    while (
      times(served, 'old serving process ended') === ended &&
      times(served, 'new serving process failed') === given
    )
      await sleep(20);
    if (times(served, 'old serving process ended') > ended) return failed;
  }
  throw new Error(`no new serving process comes up; the log ends with ${served.log.slice(-2000)}`);
}

const times = ({ log }: Served, message: string): number => log.split(message).length - 1;
