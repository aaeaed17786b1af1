import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import tls from 'node:tls';

import type { Piece, VirtualServerPiece } from '../../model/snapshot.ts';
import { makeAuthority } from '../../tls/fixture/authority.ts';
import { startTestProxy } from '../testing.ts';
import { certificatePiece, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';

const authority = makeAuthority();
const shop = authority.issue({ names: ['shop.example', '*.shop.example'] });

interface Setting {
  readonly port: number;
  readonly origin: Awaited<ReturnType<typeof origin>>;
  readonly proxy: Awaited<ReturnType<typeof startTestProxy>>;
  readonly ask: (
    path: string,
    options?: https.RequestOptions,
  ) => Promise<{ status: number; body: string; headers: Headers }>;
}
type Headers = Readonly<Record<string, string | string[] | undefined>>;

async function secured(
  t: TestContext,
  more: Partial<Parameters<typeof virtualServer>[1]> = {},
  pieces: readonly Piece[] = [],
): Promise<Setting> {
  const web = await origin('web');
  const port = await freePort();
  const piece: VirtualServerPiece = virtualServer(port, {
    protocol: 'HTTPS',
    tls: { certificates: ['test/shop'] },
    rules: [rule('all', to('web'))],
    ...more,
  });
  const proxy = await startTestProxy({
    workers: 2,
    pieces: [certificatePiece('shop', shop), realServer('web', web.port), piece, ...pieces],
  });
  t.after(async () => {
    await proxy.close();
    web.close();
  });
  return { port, origin: web, proxy, ask: (path, options) => get(port, path, options) };
}

async function get(port: number, path: string, options: https.RequestOptions = {}) {
  const request = https.request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    ca: authority.certificate,
    servername: 'shop.example',
    ...options,
  });
  request.end();
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode!, body, headers: response.headers as Headers };
}

test('a request through TLS', async (t) => {
  const { ask, origin: web } = await secured(t);
  const answer = await ask('/a', { headers: { host: 'shop.example' } });
  assert.equal(answer.status, 200);
  assert.equal(answer.body, 'web');
  assert.equal(web.requests[0]!.headers['x-forwarded-proto'], 'https');
  assert.match(String(web.requests[0]!.headers['forwarded']), /proto=https/);
});

test('many requests over one connection', async (t) => {
  const { ask, proxy } = await secured(t);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let i = 0; i < 20; i++) assert.equal((await ask(`/${i}`, { agent })).body, 'web');
  assert.equal(proxy.serving.totals().connectionsAccepted, 1);
});

test('pipelined', async (t) => {
  const { port } = await secured(t);
  const socket = tls.connect({ port, host: '127.0.0.1', ca: authority.certificate, servername: 'shop.example' });
  socket.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 2);
});
