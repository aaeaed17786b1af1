/**
 * Row 17: more clients than there is memory for, most of them slow, with large bodies. Work is refused before memory runs
 * out: nothing is killed, the admin endpoint answers, and when they are gone all is as before.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';

import { watchAdmin } from './admin-watch.ts';
import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get } from './load.ts';
import { makeMemoryGroup } from './memory-group.ts';
import { residentOf, type Served, startServe } from './serve.ts';

const LIMIT = count(208, 256) << 20;
const SIZE = 100 << 20;
const PIECE = Buffer.alloc(1 << 16, 'x');
const UPLOAD = `POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Length: ${SIZE}\r\n\r\n`;

function* pieces(): Generator<Buffer> {
  for (let left = SIZE; left > 0; left -= PIECE.length) yield PIECE;
}

/** 100 MB, as fast as they are taken. */
async function pour(into: Writable): Promise<void> {
  await pipeline(Readable.from(pieces()), into).catch(() => undefined);
}

/** Answers uploads when they are whole, and `/much` with much. */
async function startOrigin(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/much') {
      response.setHeader('Content-Length', SIZE);
      void pour(response);
    } else {
      request.resume().on('end', () => response.end('ok'));
    }
  });
  server.on('clientError', (_, socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return server;
}

/** One of the slow: half a head, an answer that is not read, a body that does not go on. */
function slowClient({ address, port }: Served, index: number): Socket {
  const socket = connect({ host: address, port });
  socket.on('error', () => undefined);
  if (index % 3 === 0) {
    socket.write('GET / HTTP/1.1\r\nHost: a');
  } else if (index % 3 === 1) {
    socket.pause();
    socket.write(get('/much'));
  } else {
    socket.write(UPLOAD);
    socket.write(PIECE);
  }
  return socket;
}

/** How one request over a connection of its own fares: served, refused, closed without a word, or what else was read. */
async function ask({ address, port }: Served): Promise<string> {
  const socket = connect({ host: address, port });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let text = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (bytes: string) => (text += bytes));
  socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  await closed;
  if (text === '') return 'closed';
  if (/^HTTP\/1\.1 200 [^]*\r\n\r\nok$/.test(text)) return 'served';
  return /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n[^]*: overloaded\n$/.test(text) ? 'refused' : text;
}

/** Moves large bodies as fast as it goes, one after another. */
async function mover({ address, port }: Served, index: number, over: () => boolean): Promise<void> {
  while (!over()) {
    const socket = connect({ host: address, port });
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    let got = 0;
    socket.on('data', (bytes) => {
      got += bytes.length;
      if (index % 2 === 1 || got > SIZE) socket.destroy();
    });
    if (index % 2 === 0) {
      socket.write(get('/much'));
    } else {
      socket.write(UPLOAD);
      await pour(socket);
    }
    await closed;
    socket.destroy();
    await sleep(20);
  }
}

test('17. memory runs out', { timeout: FULL ? 180_000 : 90_000 }, async (t) => {
  const origin = await startOrigin();
  const group = makeMemoryGroup(`tcpvs-row-17-${process.pid}`, LIMIT);
  const sockets: Socket[] = [];
  const state = { over: false, served: null as Served | null };
  t.after(async () => {
    state.over = true;
    for (const socket of sockets) socket.destroy();
    await state.served?.stop();
    group?.remove();
    origin.closeAllConnections();
    origin.close();
  });
  const limit = ['--memory-limit', String(LIMIT)];
  const served = await startServe({
    servers: [{ port: (origin.address() as AddressInfo).port }],
    limits: { maxClients: 0 },
    ...(group === null ? { args: limit } : { group }),
  });
  state.served = served;
  const pids = served.pids;
  const { servingPid } = served;
  const used = () => (group === null ? residentOf(servingPid) : group.used());
  const before = used();
  let peak = before;
  const looking = setInterval(() => (peak = Math.max(peak, used())), 25);
  looking.unref();

  const watch = watchAdmin(served.address, served.adminPort);
  const statuses: Record<string, number> = {};
  const behaving = (async () => {
    while (!state.over) {
      const key = await ask(served);
      statuses[key] = (statuses[key] ?? 0) + 1;
      await sleep(5);
    }
  })();
  const movers = Array.from({ length: 4 }, (_, index) => mover(served, index, () => state.over));

  const clients = count(1500, 5000);
  const started = performance.now();
  for (let index = 0; index < clients; index++) {
    sockets.push(slowClient(served, index));
    if (index % 25 === 24) await sleep(20);
  }
  await sleep(count(3000, 20_000));
  const under = { ...statuses };
  state.over = true;
  for (const socket of sockets) socket.destroy();
  await Promise.all([behaving, ...movers]);
  const admin = await watch.stop();
  const metrics = await served.admin('/metrics').then(({ body }) => body);
  const shed = Number(/^tcpvs_limit_hits_total\{limit="memory"\} (\d+)/m.exec(metrics)?.[1]);

  const gone = performance.now();
  let recovered = Number.NaN;
  let step = Number.NaN;
  // What was asked just before it was calm may have been refused still.
  for (let left = 600; left > 0 && (step !== 0 || Number.isNaN(recovered)); left--) {
    if ((await ask(served)) === 'served' && Number.isNaN(recovered)) recovered = performance.now() - gone;
    const { body } = await served.admin('/metrics');
    step = Number(/^tcpvs_overload_step\{resource="memory"\} (\d)/m.exec(body)?.[1]);
    await sleep(50);
  }
  const calm = performance.now() - gone;
  clearInterval(looking);
  const kills = group?.kills() ?? 0;
  report(17, 'memory runs out', {
    limitedBy: group === null ? '--memory-limit' : 'control group',
    limit: LIMIT,
    clients,
    seconds: Math.round((gone - started) / 100) / 10,
    usedBefore: before,
    usedPeak: peak,
    usedAfter: used(),
    servingRss: residentOf(servingPid),
    peakOfLimit: Math.round((100 * peak) / LIMIT) / 100,
    kills,
    shed,
    behaving: under,
    adminMs: percentiles(admin),
    recoveredMs: Math.round(recovered),
    calmMs: Math.round(calm),
  });
  assert.equal(kills, 0, 'killed for want of memory');
  assert.equal(served.pids.join(), pids.join(), `processes: ${served.log.slice(-2000)}`);
  assert.ok(peak <= 0.9 * LIMIT, `${peak} of ${LIMIT} bytes were in use`);
  assert.ok(shed > 0, 'nothing was refused');
  assert.ok(percentiles(admin).max <= (FULL ? 1000 : 5000), `the admin endpoint took ${percentiles(admin).max} ms`);
  const { served: _, refused: __, closed: ___, ...others } = under;
  assert.deepEqual(others, {}, 'neither served, nor refused, nor closed');
  assert.ok(!Number.isNaN(recovered), `no answer after it: ${served.log.slice(-2000)}`);
  assert.equal(step, 0, `memory stays short: ${served.log.slice(-2000)}`);
  assert.ok(served.log.split('\n').length < 300, 'a flood of log lines');
});
