/** What is about a connection of HTTP/2 as a whole: its beginning, its limits, its end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import net from 'node:net';
import { it } from 'node:test';

import { GLOBAL, LIMITS } from '../shared.ts';
import { origin } from './fixture.ts';
import { type FrameConnection, frameServer, headers, settings, windowUpdate } from './frame-server.ts';
import { answerOf, connectTo, get, http2Stage, request, server } from './http2-stage.ts';
import { type InProcess, startInProcess, until } from './in-process.ts';

const limit = (proxy: InProcess, name: (typeof LIMITS)[number]): number =>
  proxy.loop.state.counters.global[GLOBAL.limits + LIMITS.indexOf(name)]!;

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

it('the preface may come in single bytes', async (t) => {
  const web = await origin('web');
  const proxy = await startInProcess({ servers: [web.port] });
  t.after(() => {
    proxy.close();
    web.close();
  });
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  for (const byte of PREFACE) {
    await new Promise((resolve) => {
      socket.write(byte, resolve);
    });
    await new Promise(setImmediate);
  }
  const session = connectTo(t, proxy.port, { createConnection: () => socket });
  // its own preface comes behind the first one, and is no frame
  await once(session, 'goaway');
  session.destroy();
  await proxy.settled();
});

it('a connection that says nothing behind the preface is closed', async (t) => {
  const proxy = await startInProcess({ servers: [1] });
  t.after(() => proxy.close());
  const socket = net.connect(proxy.port, '127.0.0.1');
  socket.write(PREFACE);
  socket.resume();
  await until(() => proxy.loop.state.counters.global[GLOBAL.http2Connections] === 1, 'not taken for HTTP/2');
  proxy.loop.state.now += 20_000;
  proxy.loop.state.sweeper.each((connection) => connection.expired(proxy.loop.state.now));
  await once(socket, 'close');
  await proxy.settled();
});

it('one without streams is closed by GOAWAY after its time', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { proxy, session } = await http2Stage(t, { servers: [web.port], limits: { keepAliveTimeout: 1000 } });
  await get(session);
  const [code] = (await once(session, 'goaway')) as [number];
  assert.equal(code, 0);
  await proxy.settled();
});

it('a client that does not go after GOAWAY is closed', async (t) => {
  const proxy = await startInProcess({ servers: [1], limits: { keepAliveTimeout: 500 } });
  t.after(() => proxy.close());
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.resume();
  socket.write(`${PREFACE}\0\0\0\x04\0\0\0\0\0`);
  await once(socket, 'end');
  await proxy.settled();
  socket.destroy();
});

it('on draining, streams are finished and no more are taken', async (t) => {
  const release = Promise.withResolvers<void>();
  const port = await server(t, (socket) =>
    socket.on('data', () => {
      void release.promise.then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    }),
  );
  const { proxy, session } = await http2Stage(t, { servers: [port] });
  const answer = answerOf(request(session));
  await until(() => proxy.upstreams().length === 1, 'nothing is on its way');
  proxy.loop.handle({ type: 'drain' });
  const [code] = (await once(session, 'goaway')) as [number];
  assert.equal(code, 0);
  assert.equal(
    proxy.reports.some(({ type }) => type === 'drained'),
    false,
  );
  release.resolve();
  const { status, code: reset } = await answer;
  assert.deepEqual({ status, reset }, { status: 200, reset: 0 });
  await until(() => proxy.reports.some(({ type }) => type === 'drained'), 'not drained');
  await proxy.settled();
});

it('requests per connection: GOAWAY with the last one', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { proxy, session } = await http2Stage(t, { servers: [web.port], limits: { requestsPerConnection: 3 } });
  const gone = once(session, 'goaway');
  for (let i = 0; i < 3; i++) assert.equal((await get(session)).status, 200);
  const [code] = (await gone) as [number];
  assert.equal(code, 0);
  assert.equal(limit(proxy, 'requests_per_connection'), 1);
  await proxy.settled();
});

it('as many streams as there may be: counted', async (t) => {
  const release = Promise.withResolvers<void>();
  const web = await origin('web', (_, response) => void release.promise.then(() => response.end('web')));
  t.after(() => web.close());
  const { proxy, session } = await http2Stage(t, { servers: [web.port] });
  const answers = Array.from({ length: 130 }, () => get(session));
  await until(() => web.requests.length === 100, 'not all of them have come');
  assert.equal(limit(proxy, 'streams'), 1);
  release.resolve();
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
  session.close();
  await proxy.settled();
});

it('111. over the cap of connections, idle ones make way', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const { proxy, session } = await http2Stage(t, { servers: [web.port], limits: { maxClients: 3 } });
  await get(session);
  const closed = once(session, 'close');
  const others: ClientHttp2Session[] = [];
  for (let i = 0; i < 3; i++) {
    const other = connectTo(t, proxy.port);
    others.push(other);
    assert.equal((await get(other)).status, 200);
  }
  await closed;
  assert.equal(limit(proxy, 'clients'), 1);
  for (const other of others) other.close();
  await proxy.settled();
});

it('a stream counts as a client of its virtual server while it is served', async (t) => {
  const release = Promise.withResolvers<void>();
  const web = await origin('web', (_, response) => void release.promise.then(() => response.end('web')));
  t.after(() => web.close());
  const { proxy, session } = await http2Stage(t, { servers: [web.port], limits: { maxClients: 2 } });
  const served = [get(session), get(session)];
  await until(() => web.requests.length === 2, 'they have not come');
  const { status, body } = await get(session);
  assert.equal(status, 503);
  assert.match(body, /too_many_clients/);
  release.resolve();
  for (const answer of await Promise.all(served)) assert.equal(answer.status, 200);
  session.close();
  await proxy.settled();
});

it('content that no server takes is no overhead, however much of it waits', async (t) => {
  const upstreams: FrameConnection[] = [];
  const asked: number[] = [];
  const taking = await frameServer((connection) => {
    upstreams.push(connection);
    // no content at first
    connection.send(settings([4, 0]));
    connection.onRequest = ({ id }) => void asked.push(id);
  });
  t.after(() => taking.close());
  const proxy = await startInProcess({ servers: [taking.port], speak: 'H2C' });
  t.after(() => proxy.close());
  const session = connectTo(t, proxy.port);
  const streams = Array.from({ length: 40 }, () => request(session, { ':method': 'POST' }));
  for (const stream of streams) stream.end(Buffer.alloc(100_000, 'x'));
  await until(() => asked.length === 40, 'they are not there');
  const { now } = proxy.loop.state;
  await until(() => proxy.loop.state.now > now + 1000, 'the clock stands still');
  assert.equal(session.closed, false);
  for (const connection of upstreams) {
    connection.send(settings([4, 200_000]), windowUpdate(0, 10_000_000));
    connection.onData = (id) => {
      if (connection.ended.has(id)) connection.send(headers(id, [':status', '204'], true));
    };
  }
  for (const { status } of await Promise.all(streams.map(answerOf))) assert.equal(status, 204);
  session.close();
  await proxy.settled();
});
