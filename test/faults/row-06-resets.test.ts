/** Row 6: connection churn, half of it ending by RST at random points, on both sides. The process must not mind. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';

import { Random } from '../fuzz/random.ts';
import { count, FULL, report } from './figures.ts';
import { get, load, LoadServer, OK, post } from './load.ts';
import { startServe } from './serve.ts';

const TEXT = post('/reset', 'x'.repeat(2000)) + get('/more');

test('6. a storm of resets', { timeout: FULL ? 1_800_000 : 60_000 }, async (t) => {
  const seed = Date.now() % 1_000_000;
  const random = new Random(seed);
  const origin = await LoadServer.start();
  origin.answer = ({ socket }) => {
    const pick = random.next();
    if (pick < 0.5) socket.write(OK);
    else {
      socket.write(OK.slice(0, random.below(OK.length + 1)));
      socket.resetAndDestroy();
    }
  };
  const limits = { readTimeout: '1s', headTimeout: '1s' };
  const served = await startServe({ servers: [{ port: origin.port }], limits });
  t.after(async () => {
    await served.stop();
    await origin.close();
  });
  const pids = served.pids.join();
  const connections = count(1500, 200_000);
  let next = 0;
  const one = () =>
    new Promise<void>((resolve) => {
      const reset = random.chance(0.5);
      const socket = connect({ host: served.address, port: served.port });
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.on('end', () => socket.destroy());
      socket.on('data', () => {
        if (reset) socket.resetAndDestroy();
      });
      // Whatever the answer is: after this long it is over.
      socket.setTimeout(3000, () => socket.destroy());
      const part = TEXT.slice(0, random.below(TEXT.length + 1));
      socket.write(part, () => {
        if (reset && random.chance(0.7)) socket.resetAndDestroy();
        else if (!reset) socket.end();
      });
    });
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (next++ < connections) await one();
    }),
  );
  origin.answer = ({ socket }) => socket.write(OK);
  const lines = served.log.split('\n').length;
  // The server was left out for its resets: it may take some probes until it is trusted again.
  let well = false;
  for (let left = 100; left > 0 && !well; left--) {
    const { statuses } = await load({
      address: served.address,
      port: served.port,
      connections: 1,
      requests: 1,
      make: () => get('/well'),
    });
    well = statuses[200] === 1;
  }
  report(6, 'a storm of resets', { seed, connections, samePids: served.pids.join() === pids, logLines: lines, well });
  assert.equal(served.pids.join(), pids, `processes: ${served.log.slice(-2000)}`);
  assert.doesNotMatch(served.log, /uncaught|unhandled|restarting|TypeError/i);
  assert.ok(lines < 200 + connections / 100, `${lines} lines of log`);
  assert.ok(well, 'serves no more');
});
