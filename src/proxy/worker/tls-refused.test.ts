/** What comes to a TLS listener and is no TLS, or not in time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import tls from 'node:tls';

import { until } from './in-process.ts';
import { authority, failures, get, stage } from './tls-stage.ts';

const said = async (socket: net.Socket) => {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

describe('what is no TLS, or too slow', () => {
  test('HTTP in plain text is told so; anything else is closed', async (t) => {
    const { port, proxy } = await stage(t);
    const plain = net.connect(port, '127.0.0.1');
    plain.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    assert.match(String(await said(plain)), /^HTTP\/1\.1 400 Bad Request\r\n[^]*plain_http$/);
    for (const bytes of ['\0\0\0\0', '\x80\x2e\x01', '\x16\x03\x01\0\0', '\x16\x03\x01\xff\xff', 'SSH-2.0-x\r\n']) {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      socket.end(Buffer.from(bytes, 'latin1'));
      await said(socket);
    }
    await until(() => proxy.serving.totals().connectionsActive === 0, 'connections are left');
    await failures(proxy, 'plain_http', 2);
    await failures(proxy, 'not_tls', 4);
    assert.equal(proxy.serving.totals().reasons['internal'], 0);
    assert.equal((await get(port, '/')).status, 200);
  });

  test('a first message that is too large, or never whole', async (t) => {
    const { port, proxy } = await stage(t);
    const large = net.connect(port, '127.0.0.1').on('error', () => undefined);
    large.write(Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x40, 0]));
    await said(large);
    const gone = net.connect(port, '127.0.0.1');
    gone.write(Buffer.from([22, 3, 1, 0, 100, 1, 0, 0]));
    await once(gone, 'connect');
    gone.destroy();
    await until(() => proxy.serving.totals().connectionsActive === 0, 'connections are left');
    await failures(proxy, 'hello_too_large', 1);
    await failures(proxy, 'client_gone', 1);
  });

  test('a hello in pieces of one byte', async (t) => {
    const { port } = await stage(t);
    const raw = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await once(raw, 'connect');
    const pieces = new Duplex({
      read() {},
      write(chunk: Buffer, _, done) {
        void (async () => {
          for (const byte of chunk) {
            raw.write(Buffer.of(byte));
            await new Promise((resolve) => {
              setImmediate(resolve);
            });
          }
          done();
        })();
      },
      final(done) {
        raw.end(done);
      },
    });
    raw.on('data', (chunk) => pieces.push(chunk));
    raw.on('end', () => pieces.push(null));
    const socket = tls.connect({ socket: pieces, ca: authority.certificate, servername: 'shop.example' });
    socket.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
    assert.match(String(await said(socket)), /^HTTP\/1\.1 200/);
  });

  test('112: a handshake that stalls is closed, wherever it does', async (t) => {
    const { port, proxy } = await stage(t);
    const hello = await helloOf('shop.example');
    const stalled = [Buffer.alloc(0), hello.subarray(0, 40), hello].map(async (bytes) => {
      const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(bytes);
      await said(socket);
    });
    await Promise.all(stalled);
    await failures(proxy, 'timeout', 3);
    assert.equal(proxy.serving.totals().connectionsActive, 0);
  });

  test('a client that does not like our certificate is counted as that', async (t) => {
    const { port, proxy } = await stage(t);
    const raw = net.connect(port, '127.0.0.1').on('error', () => undefined);
    await once(raw, 'connect');
    const hello = await helloOf('shop.example');
    raw.write(hello);
    await once(raw, 'data');
    // alert: fatal, unknown_ca
    raw.end(Buffer.from([21, 3, 3, 0, 2, 2, 48]));
    await failures(proxy, 'refused_by_client', 1);
  });
});

/** The first message of a real client. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = tls.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1', servername });
  socket.on('error', () => undefined);
  const [peer] = (await once(server, 'connection')) as [net.Socket];
  const [hello] = (await once(peer, 'data')) as [Buffer];
  socket.destroy();
  server.close();
  return hello;
}
