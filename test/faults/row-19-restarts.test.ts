/** Row 19: hot restarts under load. Another serving process takes over the listening sockets, and no request fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer, type LoadOptions } from './load.ts';
import { type Served, startServe } from './serve.ts';

const RESTARTS = count(3, 100);
/** At 2,000 a second, over both; fewer where the restarts are through before. */
const RATE = count(300, 2000);
const REQUESTS = count(Infinity, 1_000_000);
const NAME = 'a.example';

test(
  '19. hot restarts under load, over kept-alive connections and TLS',
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
    const half: Pick<LoadOptions, 'address' | 'connections' | 'requests' | 'rate' | 'over' | 'make'> = {
      address: served.address,
      connections: count(8, 32),
      requests: REQUESTS / 2,
      rate: RATE / 2,
      over: () => !FULL && restarted,
      make: (index) => get(`/${index}`),
    };
    const plain = load({ ...half, port: served.port });
    const secure = load({ ...half, port: served.tlsPort, tls: { ca: authority.certificate, servername: NAME } });
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
    const outcomes = await Promise.all([plain, secure]);
    report(19, 'hot restarts', {
      restarts: RESTARTS,
      ...Object.fromEntries(
        outcomes.map(({ statuses, errors, milliseconds }, index) => [
          ['keepAlive', 'tls'][index],
          { statuses, errors: errors.length, milliseconds: percentiles(milliseconds) },
        ]),
      ),
    });
    assert.equal(pids.size, RESTARTS + 1, 'each restart is another process');
    for (const { statuses, errors, milliseconds } of outcomes) {
      assert.deepEqual(errors, []);
      assert.deepEqual(Object.keys(statuses), ['200']);
      assert.ok(milliseconds.length > 100 && (!FULL || milliseconds.length === REQUESTS / 2));
    }
  },
);

/** Waits until so many old processes have gone; there is no event of another process but its log. */
async function ended(served: Served, processes: number): Promise<void> {
  while (served.log.split('"old serving process ended"').length - 1 < processes) await sleep(20);
}
