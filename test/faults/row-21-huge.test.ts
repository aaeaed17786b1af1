/** Row 21: bodies of gigabytes are streamed, heads and bodies over a limit are refused; memory stays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';

import { count, FULL, report } from './figures.ts';
import { get, LoadServer } from './load.ts';
import { type Served, startServe } from './serve.ts';

const SIZE = count(512, 10 * 1024) * (1 << 20);
const PIECE = Buffer.alloc(1 << 18, 'x');

/** Highest resident size while the work runs. */
async function peakDuring(served: Served, work: Promise<unknown>): Promise<number> {
  let peak = served.rss;
  const timer = setInterval(() => {
    peak = Math.max(peak, served.rss);
  }, 50);
  await work;
  clearInterval(timer);
  return Math.max(peak, served.rss);
}

async function pour(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0 && !socket.destroyed; left -= PIECE.length) {
    if (!socket.write(left < PIECE.length ? PIECE.subarray(0, left) : PIECE)) await once(socket, 'drain');
  }
}

/** Sends the request and counts what comes back, until that many bytes or the end. */
async function exchange(served: Served, head: string, upload: number, expected: number): Promise<number> {
  const socket = connect({ host: served.address, port: served.port });
  let got = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('data', (bytes) => {
    got += bytes.length;
    if (got >= expected) resolve();
  });
  socket.on('error', () => resolve());
  socket.on('close', () => resolve());
  socket.write(head);
  if (upload > 0) await pour(socket, upload);
  await promise;
  socket.destroy();
  return got;
}

test('21. huge bodies', { timeout: FULL ? 600_000 : 90_000 }, async (t) => {
  const down = await LoadServer.start();
  down.answer = ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
    void pour(socket, SIZE);
  };
  let uploaded = 0;
  const up = createServer((socket) => {
    let head = true;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      uploaded += head ? bytes.length - bytes.indexOf('\r\n\r\n') - 4 : bytes.length;
      head = false;
      if (uploaded >= SIZE) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  up.listen(0, '127.0.0.1');
  await once(up, 'listening');
  const upPort = (up.address() as AddressInfo).port;
  const servedDown = await startServe({ servers: [{ port: down.port }], workers: 1 });
  const servedUp = await startServe({ servers: [{ port: upPort }], workers: 1 });
  t.after(async () => {
    await servedDown.stop();
    await servedUp.stop();
    await down.close();
    up.close();
  });
  const before = { down: servedDown.rss, up: servedUp.rss };
  const started = performance.now();
  let got = 0;
  const downPeak = await peakDuring(
    servedDown,
    exchange(servedDown, get('/'), 0, SIZE).then((bytes) => (got = bytes)),
  );
  const middle = performance.now();
  const head = `POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${SIZE}\r\n\r\n`;
  const upPeak = await peakDuring(servedUp, exchange(servedUp, head, SIZE, 10));
  const growth = { down: downPeak - before.down, up: upPeak - before.up };
  const rate = (from: number, to: number) => Math.round(SIZE / (1 << 20) / ((to - from) / 1000));
  report(21, 'huge bodies', {
    bytes: SIZE,
    downloaded: got,
    uploaded,
    rssGrowth: growth,
    mibPerSecond: { down: rate(started, middle), up: rate(middle, performance.now()) },
  });
  assert.ok(got >= SIZE, `${got} of ${SIZE} came down`);
  assert.equal(uploaded, SIZE);
  assert.ok(growth.down <= 64 << 20, `RSS grew by ${growth.down} while downloading`);
  assert.ok(growth.up <= 64 << 20, `RSS grew by ${growth.up} while uploading`);
});
