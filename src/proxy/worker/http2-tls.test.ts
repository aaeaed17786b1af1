/** HTTP/2 through TLS: by ALPN, and with certificates of clients. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2';
import { it, type TestContext } from 'node:test';

import { realServer, rule, to } from './fixture.ts';
import { get as getStream } from './http2-stage.ts';
import { until } from './in-process.ts';
import { speaking, streamServer } from './stream-servers.ts';
import { client, clientOptions, connected, get, keyAndCertificate, secureServer, stage } from './tls-stage.ts';
import { askForTunnel, reading } from './websocket-stage.ts';

async function session(
  t: TestContext,
  port: number,
  options: SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const { headers: _, ...defaults } = clientOptions(port);
  const made = http2.connect(`https://127.0.0.1:${port}`, { ...defaults, ...options });
  made.on('error', () => undefined);
  t.after(() => made.destroy());
  await once(made, 'connect');
  return made;
}

it('ALPN chooses', async (t) => {
  const { port, web } = await stage(t);
  for (const [offer, chosen] of [
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [undefined, false],
  ] as const) {
    const socket = await connected(port, offer === undefined ? {} : { ALPNProtocols: [...offer] });
    assert.equal(socket.alpnProtocol, chosen);
    socket.destroy();
  }
  const { status, body } = await getStream(await session(t, port), { ':authority': 'shop.example' });
  assert.deepEqual({ status, body }, { status: 200, body: 'web' });
  assert.equal(web.requests[0]!.headers['x-forwarded-proto'], 'https');
  assert.equal((await get(port, '/')).body, 'web');
});

it('a session of HTTP/1.1 cannot be turned into one of HTTP/2', async (t) => {
  const { port } = await stage(t);
  const socket = await connected(port, { ALPNProtocols: ['http/1.1'] });
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /^HTTP\/1\.1 400 /);
});

it('75. over a connection that was made for another host: 421, and for its own host served', async (t) => {
  const { port } = await stage(t, (at) => [
    secureServer(at, {
      key: 'test/open',
      hosts: ['open.shop.example'],
    }),
    secureServer(at, {
      key: 'test/closed',
      hosts: ['shop.example'],
      tls: { certificates: ['test/shop'], clientCa: ['test/clients'] },
    }),
  ]);
  const open = await session(t, port, { servername: 'open.shop.example' });
  assert.equal((await getStream(open, { ':authority': 'open.shop.example' })).status, 200);
  const refused = await getStream(open, { ':authority': 'shop.example' });
  assert.equal(refused.status, 421);
  assert.match(refused.body, /misdirected/);
  assert.equal((await getStream(open, { ':authority': 'open.shop.example' })).status, 200);
  const shown = await session(t, port, keyAndCertificate(client));
  assert.equal((await getStream(shown, { ':authority': 'shop.example' })).status, 200);
});

it('a body of many megabytes both ways', async (t) => {
  const { port, web } = await stage(t);
  const connection = await session(t, port);
  const stream = connection.request({ ':method': 'POST', ':path': '/', ':authority': 'shop.example' });
  stream.end(Buffer.alloc(8 << 20, 'x'));
  stream.resume();
  await once(stream, 'close');
  assert.equal(stream.rstCode, 0);
  assert.equal(web.requests[0]!.body.length, 8 << 20);
});

it('a WebSocket through TLS on both sides, over HTTP/2 on both', async (t) => {
  const sessions: http2.Http2Session[] = [];
  const { port: at } = await streamServer(
    t,
    'H2',
    () => {},
    { settings: { enableConnectProtocol: true } },
    (stream, headers) => {
      sessions.push(stream.session!);
      stream.respond({ ':status': 200, 'x-forwarded-proto': headers['x-forwarded-proto'] });
      stream.pipe(stream);
    },
  );
  const { tls, credentials } = speaking('H2');
  const { port, proxy } = await stage(t, (listening) => [
    ...credentials!.authorities,
    realServer('s', at, { protocol: 'H2', tls: tls! }),
    secureServer(listening, { rules: [rule('all', to('s'))] }),
  ]);
  const connection = await session(t, port);
  const [first, second] = await Promise.all([
    askForTunnel(connection, '/chat', 'shop.example'),
    askForTunnel(connection, '/chat', 'shop.example'),
  ]);
  const heads = await Promise.all([first, second].map(async (stream) => (await once(stream, 'response'))[0] as object));
  for (const head of heads) assert.partialDeepStrictEqual(head, { ':status': 200, 'x-forwarded-proto': 'https' });
  const [one, two] = [reading(first), reading(second)];
  first.write('one');
  second.end('two');
  await until(() => one.text === 'one' && two.ended, 'they do not come back');
  assert.equal(two.text, 'two');
  assert.equal(new Set(sessions).size, 1);
  sessions[0]!.destroy();
  await until(() => one.broken, 'it is not broken');
  await until(() => proxy.serving.totals().upstreamActive === 0, 'the connection is left');
});
