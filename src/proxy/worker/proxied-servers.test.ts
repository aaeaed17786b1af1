/** Servers that are told whose a connection is (PROXY protocol): one connection, one client. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';

import { readProxyHeader } from '../../proxy-protocol/read-header.ts';
import { startTestProxy } from '../testing.ts';
import { ask, authorityPiece, freePort, origin, realServer, refusingPort, rule, to, virtualServer } from './fixture.ts';
import { connectTo, get as getStream } from './http2-stage.ts';
import { until } from './in-process.ts';
import { authority, keyAndCertificate, shop } from './tls-stage.ts';

/**
 * A server of HTTP behind the header. Answers `CONNECTION SOURCE:PORT`, where connections are numbered as they come; what
 * has no source says so.
 */
async function receiver(t: TestContext, { secure = false } = {}) {
  let connections = 0;
  const open = new Set<net.Socket>();
  const asked: string[] = [];
  const names = new WeakMap<object, string>();
  const web = http.createServer((request, response) => {
    request.resume();
    const name = names.get(request.socket)!;
    asked.push(`${request.url} ${name}`);
    response.end(name);
  });
  const server = net.createServer((raw) => {
    open.add(raw.on('error', () => {}).on('close', () => open.delete(raw)));
    raw.once('readable', () => {
      const bytes = raw.read() as Buffer;
      const header = readProxyHeader(bytes, bytes.length);
      assert.ok(typeof header === 'object', 'a whole header comes in the first read');
      raw.unshift(bytes.subarray(header.length));
      const socket = secure ? new tls.TLSSocket(raw, { isServer: true, ...keyAndCertificate(shop) }) : raw;
      socket.on('error', () => {});
      const from = header.ends === null ? 'nobody' : `${header.ends.source}:${header.ends.sourcePort}`;
      names.set(socket, `${++connections} ${from}`);
      web.emit('connection', socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked, open };
}

const TLS = {
  protocol: 'HTTPS',
  tls: { hostname: 'shop.example', ca: ['test/ca'], clientCertificate: null },
} as const;
const ca = authorityPiece('ca', authority.certificate);

/** Requests over one connection, one after another. */
async function client(port: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = async (path = '/') => (await ask(port, path, { agent })).body;
  return { get, close: () => agent.destroy() };
}

for (const secure of [false, true]) {
  test(`a connection to ${secure ? 'an HTTPS' : 'an HTTP'} server serves one client, and ends with it`, async (t) => {
    const server = await receiver(t, { secure });
    const port = await freePort();
    const proxy = await startTestProxy({
      pieces: [
        realServer('s', server.port, { proxyProtocol: 'V2', ...(secure ? TLS : {}) }),
        virtualServer(port, { servers: to('s') }),
        ca,
      ],
    });
    t.after(() => proxy.close());
    const [one, two] = [await client(port), await client(port)];
    const first = await one.get();
    assert.match(first, /^1 127\.0\.0\.1:\d+$/);
    assert.equal(await one.get(), first, 'kept for the same client');
    const second = await two.get();
    assert.match(second, /^2 /);
    assert.notEqual(second.slice(2), first.slice(2));
    assert.equal(await one.get(), first);
    assert.equal(await two.get(), second);
    one.close();
    await until(() => server.open.size === 1, 'the connection stays without its client');
    assert.equal(await two.get(), second);
    two.close();
    await until(() => server.open.size === 0, 'the connection stays without its client');
    await until(() => proxy.serving.totals().upstreamActive === 0, 'still counted');
  });
}

test('a client keeps one connection to each server', async (t) => {
  const servers = [await receiver(t), await receiver(t)] as const;
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('a', servers[0].port, { proxyProtocol: 'V1' }),
      realServer('b', servers[1].port, { proxyProtocol: 'V2' }),
      virtualServer(port, { servers: to('a', 'b') }),
    ],
  });
  t.after(() => proxy.close());
  const one = await client(port);
  for (let each = 0; each < 6; each++) assert.match(await one.get(), /^1 127\.0\.0\.1:/);
  one.close();
});

test('when the header is asked for, connections without it are not used any more', async (t) => {
  const server = await receiver(t);
  const plain = await origin('plain');
  t.after(() => plain.close());
  const port = await freePort();
  const pieces = (to_: number, version: 'V1' | null) => [
    realServer('s', to_, { proxyProtocol: version }),
    virtualServer(port, { servers: to('s') }),
  ];
  const proxy = await startTestProxy({ pieces: pieces(plain.port, null) });
  t.after(() => proxy.close());
  const one = await client(port);
  assert.equal(await one.get(), 'plain');
  await proxy.configure(pieces(server.port, 'V1'));
  assert.match(await one.get(), /^1 127/);
  one.close();
});

for (const secure of [false, true]) {
  test(`mirrored copies to ${secure ? 'an HTTPS' : 'an HTTP'} server come from nobody`, async (t) => {
    const copies = await receiver(t, { secure });
    const web = await origin('web');
    t.after(() => web.close());
    const port = await freePort();
    const mirrored = rule('all', to('web'), {}, { filters: [{ type: 'Mirror', server: 'test/copy', percent: 100 }] });
    const proxy = await startTestProxy({
      pieces: [
        realServer('web', web.port),
        realServer('copy', copies.port, { proxyProtocol: 'V2', ...(secure ? TLS : {}) }),
        virtualServer(port, { rules: [mirrored] }),
        ca,
      ],
    });
    t.after(() => proxy.close());
    assert.equal((await ask(port, '/x')).body, 'web');
    await until(() => copies.asked.length === 1, 'no copy came');
    assert.deepEqual(copies.asked, ['/x 1 nobody']);
  });
}

test('a server that refuses after the header is left for another, with a header of its own', async (t) => {
  const good = await receiver(t);
  const dead = refusingPort();
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('dead', dead, { proxyProtocol: 'V2' }),
      realServer('good', good.port, { proxyProtocol: 'V2' }),
      virtualServer(port, { servers: to('dead', 'good') }),
    ],
  });
  t.after(() => proxy.close());
  for (let each = 1; each <= 4; each++) assert.match((await ask(port, '/')).body, /^\d 127\.0\.0\.1:/);
});

test('a stream of HTTP/2 is told with the ends of its connection', async (t) => {
  const server = await receiver(t);
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [realServer('s', server.port, { proxyProtocol: 'V2' }), virtualServer(port, { servers: to('s') })],
  });
  t.after(() => proxy.close());
  const session = connectTo(t, port);
  await once(session, 'connect');
  const { localPort } = session.socket;
  for (const connection of [1, 2]) {
    const { body } = await getStream(session);
    assert.equal(body, `${connection} 127.0.0.1:${localPort}`);
  }
});
