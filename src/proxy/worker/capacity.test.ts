/** Limits per server: what waits for a connection. (Requests in flight: see choose.test.ts.) */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';

import { startTestProxy } from '../testing.ts';
import { ask, authorityPiece, freePort, origin, realServer, to, virtualServer } from './fixture.ts';
import { rawServer, until } from './in-process.ts';
import { authority, secureOrigin, keyAndCertificate, shop } from './tls-stage.ts';

const TLS = {
  protocol: 'HTTPS',
  tls: { hostname: 'shop.example', ca: ['test/ca'], clientCertificate: null },
} as const;
const ca = authorityPiece('ca', authority.certificate);

/** Takes connections and never answers a handshake: whoever connects waits. */
async function silent(t: TestContext) {
  const server = await rawServer((socket) => socket.resume().on('end', () => socket.destroy()));
  t.after(() => server.close());
  return server;
}

test('over the limit another server is tried, and nothing is said against the first', async (t) => {
  const slow = await silent(t);
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('slow', slow.port, { ...TLS, maxPending: 1 }),
      realServer('web', web.port),
      virtualServer(port, { servers: to('slow', 'web') }),
      ca,
    ],
  });
  t.after(() => proxy.close());
  const waiting = net.connect(port, '127.0.0.1').on('error', () => {});
  t.after(() => waiting.destroy());
  while (slow.sockets.size === 0) {
    // it may be the other's turn
    waiting.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await Promise.race([once(waiting, 'data'), until(() => slow.sockets.size > 0, 'nobody came')]);
  }
  for (let each = 0; each < 6; each++) assert.equal((await ask(port, '/')).body, 'web');
  assert.equal(slow.sockets.size, 1);
  await until(() => proxy.serving.totals().limits.pending_per_server === 3, 'not counted');
  const { endpoints } = proxy.serving.counts();
  assert.deepEqual(endpoints.find((each) => each.port === slow.port)?.down, []);
});

test('where there is no other: 503 at_capacity, for a body that is on its way, too', async (t) => {
  const slow = await silent(t);
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('slow', slow.port, { ...TLS, maxPending: 2 }),
      virtualServer(port, { servers: to('slow') }),
      ca,
    ],
  });
  t.after(() => proxy.close());
  const waiting = [0, 1].map(() => {
    const socket = net.connect(port, '127.0.0.1').on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return socket;
  });
  t.after(() => {
    for (const socket of waiting) socket.destroy();
  });
  await until(() => slow.sockets.size === 2, 'nobody came');
  const answer = await ask(port, '/');
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['retry-after'], '1');
  assert.match(answer.body, /at_capacity/);
  const posted = await ask(port, '/', { method: 'POST', body: 'x'.repeat(200_000) });
  assert.equal(posted.status, 503);
  // who leaves waits no more
  waiting[0]!.resetAndDestroy();
  await until(() => slow.sockets.size === 1, 'still there');
  const next = net.connect(port, '127.0.0.1').on('error', () => {});
  next.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  t.after(() => next.destroy());
  await until(() => slow.sockets.size === 2, 'its place is not free');
  await until(() => proxy.serving.totals().reasons['at_capacity'] === 2, 'not counted');
  for (const { active } of proxy.serving.counts().endpoints) assert.equal(active, 2);
});

test('connections of TCP: the next server, then none', async (t) => {
  const [slow, other] = [await silent(t), await silent(t)];
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('slow', slow.port, { ...TLS, maxPending: 1 }),
      realServer('other', other.port, { ...TLS, maxPending: 1 }),
      virtualServer(port, { protocol: 'TCP', scheduler: 'wlc', servers: to('slow', 'other') }),
      ca,
    ],
  });
  t.after(() => proxy.close());
  const clients = [0, 1].map(() => net.connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => {
    for (const client of clients) client.destroy();
  });
  await until(() => slow.sockets.size === 1 && other.sockets.size === 1, 'nobody came');
  const third = net.connect(port, '127.0.0.1');
  const [error] = (await once(third, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  await until(() => proxy.serving.totals().reasons['at_capacity'] === 1, 'not counted');
});

test('what has its connection does not wait: many may be in flight', async (t) => {
  const release: (() => void)[] = [];
  const { port: secure } = await secureOrigin(t, keyAndCertificate(shop), (_, response) => {
    release.push(() => response.end('done'));
  });
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [realServer('s', secure, { ...TLS, maxPending: 1 }), virtualServer(port, { servers: to('s') }), ca],
  });
  t.after(() => proxy.close());
  const answers = [];
  for (let each = 1; each <= 5; each++) {
    answers.push(ask(port, '/'));
    await until(() => release.length === each, 'did not arrive');
  }
  for (const go of release) go();
  for (const answer of await Promise.all(answers)) assert.equal(answer.body, 'done');
});
