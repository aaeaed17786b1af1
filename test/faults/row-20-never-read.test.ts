/** Row 20: clients that ask for much and read none of it. Little is held for each, and it ends at the write timeout. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';

import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer, OK } from './load.ts';
import { startServe } from './serve.ts';

const SIZE = 1 << 30;
const WRITE_TIMEOUT = 3000;

test('20. clients that never read', { timeout: FULL ? 300_000 : 60_000 }, async (t) => {
  const origin = await LoadServer.start();
  const piece = Buffer.alloc(1 << 16, 'x');
  const counts = { sent: 0, begun: 0, open: 0 };
  origin.answer = ({ target, socket }) => {
    if (target !== '/much') {
      socket.write(OK);
      return;
    }
    counts.begun++;
    counts.open++;
    socket.on('close', () => counts.open--);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
    const pour = () => {
      while (!socket.destroyed) {
        counts.sent += piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', pour);
          return;
        }
      }
    };
    pour();
  };
  const limits = { writeTimeout: `${WRITE_TIMEOUT}ms` };
  const served = await startServe({ servers: [{ port: origin.port }], limits });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await served.stop();
    await origin.close();
  });
  const where = { address: served.address, port: served.port, connections: 4, make: () => get('/') };
  const calm = percentiles((await load({ ...where, requests: 2000 })).milliseconds);
  const before = served.rss;
  // Each worker has 48 large buffers at most, and fills them whoever comes: of few clients that would be most of it.
  const clients = count(1000, 2000);
  for (let index = 0; index < clients; index++) {
    const socket = connect({ host: served.address, port: served.port });
    socket.on('error', () => {});
    socket.pause();
    socket.write(get('/much'));
    sockets.push(socket);
  }
  while (counts.begun < clients) await sleep(10);
  const busy = percentiles((await load({ ...where, requests: 2000 })).milliseconds);
  const held = served.rss;
  const started = performance.now();
  while (counts.open > 0 && performance.now() - started < 20_000) await sleep(20);
  const closedAfter = performance.now() - started;
  const perClient = Math.round((held - before) / clients);
  report(20, 'clients that never read', {
    clients,
    takenFromServersMiB: Math.round(counts.sent / (1 << 20)),
    rssBefore: before,
    rssHeld: held,
    perClientBytes: perClient,
    closedAfterMs: Math.round(closedAfter),
    calm,
    busy,
  });
  assert.equal(counts.open, 0, 'exchanges that never end');
  assert.ok(held - before <= 512 << 20, `RSS grew by ${held - before}`);
  assert.ok(perClient <= 256 << 10, `${perClient} bytes per client`);
});
