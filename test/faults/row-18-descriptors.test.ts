/** Row 18: more clients than there are descriptors. What is over is closed, what runs finishes, and it is over at once. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';

import { count, FULL, report, sleep } from './figures.ts';
import { get, load, LoadClient, LoadServer, OK } from './load.ts';
import { startServe } from './serve.ts';

test('18. descriptors run out', { timeout: 60_000 }, async (t) => {
  const files = count(256, 1024);
  const clients = count(800, 5000);
  const origin = await LoadServer.start();
  const { promise: release, resolve } = Promise.withResolvers<void>();
  origin.answer = ({ target, socket }) => {
    if (target === '/slow') void release.then(() => socket.write(OK));
    else socket.write(OK);
  };
  const served = await startServe({ servers: [{ port: origin.port }], files });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await served.stop();
    await origin.close();
  });
  const pids = served.pids.join();
  const slow = Array.from({ length: 10 }, () => new LoadClient(served.address, served.port).ask(get('/slow')));
  while ((origin.seen.get('/slow') ?? 0) < 10) await sleep(10);

  let closed = 0;
  await Promise.all(
    Array.from(
      { length: clients },
      () =>
        new Promise<void>((done) => {
          const socket = connect({ host: served.address, port: served.port }, done);
          socket.on('error', () => done());
          socket.on('close', () => closed++);
          socket.resume();
          sockets.push(socket);
        }),
    ),
  );
  await sleep(1000);
  const overLimit = closed;
  resolve();
  const finished = await Promise.all(slow);
  for (const socket of sockets) socket.destroy();
  const started = performance.now();
  let recovered = Number.NaN;
  for (let left = 100; left > 0 && Number.isNaN(recovered); left--) {
    const { statuses } = await load({
      address: served.address,
      port: served.port,
      connections: 1,
      requests: 1,
      make: () => get('/'),
    });
    if (statuses[200] === 1) recovered = performance.now() - started;
    else await sleep(20);
  }
  const statuses = finished.map(({ status }) => status);
  report(18, 'descriptors run out', {
    files,
    clients,
    closed,
    finished: statuses.length,
    recoveredMs: Math.round(recovered),
  });
  assert.deepEqual(
    statuses,
    Array.from({ length: 10 }, () => 200),
    'requests that were running',
  );
  assert.ok(overLimit >= clients - files, `${overLimit} of ${clients} were closed`);
  assert.ok(recovered <= (FULL ? 1000 : 5000), `recovered after ${recovered} ms`);
  assert.equal(served.pids.join(), pids, `processes: ${served.log.slice(-2000)}`);
  assert.ok(served.log.split('\n').length < 200, 'a flood of log lines');
});
