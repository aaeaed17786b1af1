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
    const started = performance.now();
    for (let restart = 1; restart <= RESTARTS; restart++) {
      // spread over the whole load
      if (FULL)
        await sleep(Math.max(0, started + (restart * 1000 * REQUESTS) / RATE / (RESTARTS + 1) - performance.now()));
      process.kill(served.child.pid!, 'SIGUSR2');
      await ended(served, restart);
      pids.add(served.servingPid);
    }
    restarted = true;
    const outcomes = {
      keepAlive: await loads.keepAlive,
      tls: await loads.tls,
      http2: await loads.http2,
      http2Tls: await loads.http2Tls,
    };
    report(19, 'hot restarts', {
      restarts: RESTARTS,
      requestsPerSecond: RATE,
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

/** Waits until so many old processes have gone; there is no event of another process but its log. */
async function ended(served: Served, processes: number): Promise<void> {
  while (served.log.split('"old serving process ended"').length - 1 < processes) await sleep(20);
}
