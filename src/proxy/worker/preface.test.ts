/** Listeners behind another proxy (robustness 117): whose connection it is, and who may say so. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import type { PrefaceFailure } from '../../model/prefaces.ts';
import { startTestProxy, type TestProxy } from '../testing.ts';
import { certificatePiece, freePort, origin, realServer, to, virtualServer, type Origin } from './fixture.ts';
import { until } from './in-process.ts';
import { authority, shop } from './tls-stage.ts';

const LINE = 'PROXY TCP4 203.0.113.7 192.0.2.1 56324 80\r\n';
const GET = 'GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n';
const BINARY = Buffer.concat([
  Buffer.from('\r\n\r\n\0\r\nQUIT\n'),
  Buffer.of(0x21, 0x11, 0, 12, 203, 0, 113, 7, 192, 0, 2, 1, 1, 2, 0, 80),
]);

/** Sends the parts one after another, and reads until the end. */
async function converse(port: number, parts: readonly (string | Buffer)[], wrap = (socket: net.Socket) => socket) {
  const raw = net.connect({ host: '127.0.0.1', port, noDelay: true });
  const closed = new Promise((resolve) => raw.on('error', () => {}).on('close', resolve));
  const [first, ...rest] = parts;
  raw.write(first!);
  const socket = wrap(raw);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  for (const part of rest) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    socket.write(part);
  }
  await closed;
  return text;
}

/** A virtual server whose connections have the header in front. */
const behind = (port: number, server: string, more: Parameters<typeof virtualServer>[1]) => {
  const piece = virtualServer(port, { servers: to(server), ...more });
  const listeners = piece.listeners.map((listener) => ({ ...listener, proxyProtocol: 'Accept' as const }));
  return { ...piece, key: `test/${port}`, hash: `${piece.hash} ${port}`, listeners };
};

const secured = (socket: net.Socket) => tls.connect({ socket, servername: 'shop.example', ca: authority.certificate });

describe('a listener that wants a PROXY protocol header', () => {
  let web: Origin;
  let echo: net.Server;
  let proxy: TestProxy;
  const ports = { http: 0, https: 0, tcp: 0 };

  before(async () => {
    web = await origin('web', (request, response) => {
      response.end(`${String(request.headers['x-forwarded-for'])} ${String(request.headers['x-forwarded-proto'])}`);
    });
    echo = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    for (const name of ['http', 'https', 'tcp'] as const) ports[name] = await freePort();
    proxy = await startTestProxy({ pieces: pieces(), settings: { trustedProxies: ['127.0.0.0/8'] } });
  });

  after(async () => {
    web.close();
    echo.close();
    await proxy.close();
  });

  const pieces = () => {
    const { http, https, tcp } = ports;
    return [
      realServer('web', web.port),
      realServer('echo', (echo.address() as net.AddressInfo).port),
      certificatePiece('shop', shop),
      behind(http, 'web', {}),
      behind(https, 'web', { protocol: 'HTTPS', tls: { certificates: ['test/shop'] } }),
      behind(tcp, 'echo', { protocol: 'TCP', scheduler: 'wlc' }),
    ];
  };

  const counted = (why: PrefaceFailure, earlier: number) =>
    until(() => proxy.serving.totals().prefaceFailures[why] === earlier + 1, `not counted as ${why}`);
  const countOf = (why: PrefaceFailure) => proxy.serving.totals().prefaceFailures[why]!;

  const heads: readonly (readonly [string, string | Buffer, string])[] = [
    ['version 1', LINE, '203.0.113.7'],
    ['version 2', BINARY, '203.0.113.7'],
    ['version 1, unknown', 'PROXY UNKNOWN\r\n', '127.0.0.1'],
    ['an IPv4 address in IPv6', 'PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n', '203.0.113.7'],
  ];
  for (const [name, head, address] of heads) {
    test(`${name}: the server is told ${address}`, async () => {
      const whole = Buffer.concat([Buffer.from(head as string), Buffer.from(GET)]);
      assert.match(await converse(ports.http, [whole]), new RegExp(`${address} http$`), 'in one segment');
      assert.match(await converse(ports.http, [head, GET]), new RegExp(`${address} http$`), 'in two');
    });
  }

  test('a header in pieces, with the first bytes of a request behind it', async () => {
    const parts = [LINE.slice(0, 3), LINE.slice(3, 20), LINE.slice(20) + GET.slice(0, 9), GET.slice(9)];
    assert.match(await converse(ports.http, parts), /203\.0\.113\.7 http$/);
  });

  test('the address that is claimed is no trusted one: its X-Forwarded-For is not believed', async () => {
    const text = await converse(ports.http, [LINE + GET.replace('Host', 'X-Forwarded-For: 198.51.100.1\r\nHost')]);
    assert.match(text, /\r\n\r\n203\.0\.113\.7 http$/);
  });

  test('in front of TLS', async () => {
    assert.match(await converse(ports.https, [LINE, GET], secured), /203\.0\.113\.7 https$/);
  });

  test('in front of TCP, whose first bytes are not read as part of it', async () => {
    const raw = net.connect({ host: '127.0.0.1', port: ports.tcp });
    raw.write(Buffer.concat([BINARY, Buffer.of(4, 0, 1, 0xff)]));
    const [bytes] = (await once(raw, 'data')) as [Buffer];
    assert.deepEqual(bytes, Buffer.of(4, 0, 1, 0xff));
    raw.destroy();
  });

  const refused: readonly (readonly [PrefaceFailure, string])[] = [
    ['missing', GET],
    ['malformed', 'PROXY TCP4 1.2.3.4\r\n'],
    ['too_long', `PROXY UNKNOWN ${'x'.repeat(200)}`],
  ];
  for (const [why, sent] of refused) {
    test(`${why}: closed without a word, and counted`, async () => {
      const earlier = countOf(why);
      assert.equal(await converse(ports.http, [sent]), '');
      await counted(why, earlier);
    });
  }

  test('a peer that leaves before the end of the header is counted', async () => {
    const earlier = countOf('client_gone');
    const raw = net.connect({ host: '127.0.0.1', port: ports.http });
    raw.end(LINE.slice(0, 10));
    await once(raw.resume(), 'close');
    await counted('client_gone', earlier);
    await until(() => proxy.serving.totals().connectionsActive === 0, 'a connection is left');
  });

  test('who is not trusted is closed before a byte is read', async (t) => {
    const port = await freePort();
    const other = await startTestProxy({ pieces: [realServer('web', web.port), behind(port, 'web', {})] });
    t.after(() => other.close());
    assert.equal(await converse(port, [LINE + GET]), '');
    await until(() => other.serving.totals().prefaceFailures['untrusted'] === 1, 'not counted as untrusted');
  });
});
