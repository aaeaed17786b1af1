/** Heads that come in many pieces cost what they are worth, not the square of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { it, type TestContext } from 'node:test';

import { rawServer, startInProcess, until } from './in-process.ts';

/** More than sixteen times the length would be looked at, if each of them were a reason to begin anew. */
const PIECES = 60;
const FIELDS = Array.from({ length: PIECES }, (_, index) => `X-${index}: ${'y'.repeat(200)}\r\n`);
const LENGTH = FIELDS.join('').length;

async function proxyTo(t: TestContext, serve: (socket: net.Socket) => void) {
  const server = await rawServer(serve);
  const proxy = await startInProcess({ servers: [server.port] });
  t.after(() => {
    proxy.close();
    server.close();
  });
  const client = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  t.after(() => client.destroy());
  client.on('error', () => {});
  await once(client, 'connect');
  return { proxy, client };
}

it('of an answer', async (t) => {
  const asked = Promise.withResolvers<net.Socket>();
  const { proxy, client } = await proxyTo(t, (socket) => {
    socket.setNoDelay(true);
    socket.once('data', () => asked.resolve(socket));
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const server = await asked.promise;
  const held = () => proxy.upstreams()[0]!.held;
  server.write('HTTP/1.1 200 OK\r\n');
  await until(() => held() !== null, 'not read');
  for (const field of FIELDS) {
    const before = held()!.length;
    server.write(field);
    await until(() => held()!.length === before + field.length, 'not read');
  }
  const { parsed } = held()!;
  assert.ok(parsed < 17 * LENGTH, `${parsed} bytes parsed for ${LENGTH}`);
  server.write('Content-Length: 2\r\n\r\nok');
  let text = '';
  client.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await until(() => text.endsWith('\r\n\r\nok'), 'no answer');
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  for (const field of FIELDS) assert.ok(text.includes(field));
  assert.equal(proxy.upstreams()[0]!.held, null);
});

it('of a request', async (t) => {
  const { proxy, client } = await proxyTo(t, (socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  });
  const length = () => proxy.clients()[0]?.heldLength ?? 0;
  client.write('GET / HTTP/1.1\r\nHost: a\r\n');
  await until(() => length() > 0, 'not read');
  for (const field of FIELDS) {
    const before = length();
    client.write(field);
    await until(() => length() === before + field.length, 'not read');
  }
  const { headParsed } = proxy.clients()[0]!;
  assert.ok(headParsed < 17 * LENGTH, `${headParsed} bytes parsed for ${LENGTH}`);
  client.write('\r\n');
  const [answer] = (await once(client, 'data')) as [Buffer];
  assert.match(answer.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n/);
  // the count is the head's, not the connection's
  client.write('GET / HTTP/1.1\r\nHo');
  await until(() => length() === 18, 'not read');
  assert.equal(proxy.clients()[0]!.headParsed, 18);
});
