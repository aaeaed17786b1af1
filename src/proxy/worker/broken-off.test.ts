/** Requests that end without a whole answer are in the access log, with why. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { it, type TestContext } from 'node:test';

import { AccessLog, type AccessRecord } from './access-log.ts';
import { type InProcess, rawServer, startInProcess, until } from './in-process.ts';

const REQUEST = 'GET /file HTTP/1.1\r\nHost: a.example\r\n\r\n';
const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n';

async function proxyTo(t: TestContext, serve: (socket: net.Socket) => void) {
  const server = await rawServer(serve);
  const lines: AccessRecord[] = [];
  const accessLog = new AccessLog(1, (text) => {
    for (const line of text.trim().split('\n')) lines.push(JSON.parse(line) as AccessRecord);
  });
  const proxy = await startInProcess({ servers: [server.port], accessLog });
  t.after(() => {
    proxy.close();
    server.close();
  });
  return { proxy, server, lines };
}

async function clientOf(proxy: InProcess, request: string): Promise<net.Socket> {
  const client = net.connect(proxy.port, '127.0.0.1');
  client.on('error', () => {});
  await once(client, 'connect');
  client.write(request);
  return client;
}

it('a client that leaves before the answer', async (t) => {
  const arrived = Promise.withResolvers<void>();
  const { proxy, server, lines } = await proxyTo(t, (socket) => socket.once('data', () => arrived.resolve()));
  const client = await clientOf(proxy, REQUEST);
  await arrived.promise;
  client.resetAndDestroy();
  await until(() => lines.length > 0, 'no line');
  const [{ status, flag, target, server: at, bytes }] = lines as [AccessRecord];
  assert.deepEqual(
    { status, flag, target, at, bytes },
    { status: 0, flag: 'client_gone', target: '/file', at: `127.0.0.1:${server.port}`, bytes: 0 },
  );
  await proxy.settled();
  assert.equal(lines.length, 1);
});

it('a client that leaves in the middle of the answer', async (t) => {
  const { proxy, lines } = await proxyTo(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
  });
  const client = await clientOf(proxy, REQUEST);
  await once(client, 'data');
  client.resetAndDestroy();
  await until(() => lines.length > 0, 'no line');
  assert.equal(lines[0]!.status, 200);
  assert.equal(lines[0]!.flag, 'client_gone');
  assert.ok(lines[0]!.bytes > 4);
});

it('a server that leaves in the middle of the answer', async (t) => {
  const { proxy, lines } = await proxyTo(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
  });
  const client = await clientOf(proxy, REQUEST);
  await new Promise((resolve) => client.once('close', resolve));
  await until(() => lines.length > 0, 'no line');
  assert.equal(lines[0]!.status, 200);
  assert.equal(lines[0]!.flag, 'truncated_answer');
});

it('a tunnel that breaks', async (t) => {
  const { proxy, lines } = await proxyTo(t, (socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'),
    );
  });
  const client = await clientOf(proxy, UPGRADE);
  await once(client, 'data');
  client.resetAndDestroy();
  await until(() => lines.length > 0, 'no line');
  assert.equal(lines[0]!.status, 101);
  assert.equal(lines[0]!.flag, 'client_gone');
});

it('what is no request', async (t) => {
  const { proxy, lines } = await proxyTo(t, () => assert.fail('nothing may arrive'));
  const client = await clientOf(proxy, 'GET /x HTTP/1.1\r\nno field\r\n\r\n');
  await until(() => lines.length > 0, 'no line');
  const { method, target, virtualServer, status, flag } = lines[0]!;
  assert.deepEqual(
    { method, target, virtualServer, status, flag },
    { method: '', target: '', virtualServer: '', status: 400, flag: 'bad_request' },
  );
  client.destroy();
  await proxy.settled();
});

const descriptors = (): number => readdirSync('/proc/self/fd').length;

it('a client that is reset while our end is on its way to it gives its descriptor back', async (t) => {
  const server = await rawServer((socket) => socket.resume().on('end', () => socket.end()));
  const proxy = await startInProcess({ servers: [server.port], protocol: 'TCP' });
  t.after(() => {
    proxy.close();
    server.close();
  });
  const before = descriptors();
  for (let i = 0; i < 10; i++) {
    const peer = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
    await until(() => proxy.clients().length > 0, 'no client');
    const [client] = proxy.clients();
    client!.endSide();
    client!.reset('idle_timeout');
    peer.destroy();
    await proxy.settled();
    await until(() => server.sockets.size === 0, 'the connection to the server is left');
  }
  await until(() => descriptors() <= before, `${descriptors() - before} descriptors are left`);
});
