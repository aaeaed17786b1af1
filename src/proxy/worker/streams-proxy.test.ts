/** Servers of HTTP/2 in what is not an exchange of its own: mirrors, checks, TCP. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';

import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';

async function h2cServer(t: TestContext) {
  const requests: string[] = [];
  const server = http2.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += String(chunk)));
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${body}`);
      response.end('by h2c');
    });
  });
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => sessions.push(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests, sessions };
}

test('a mirror gets its copies as streams of one connection', async (t) => {
  const mirrored = await h2cServer(t);
  const original = await origin('original');
  t.after(() => original.close());
  const port = await freePort();
  const filters = [{ type: 'Mirror' as const, server: 'test/copy', percent: 100 }];
  const proxy = await startTestProxy({
    pieces: [
      realServer('s', original.port),
      realServer('copy', mirrored.port, { protocol: 'H2C' }),
      virtualServer(port, { rules: [rule('all', to('s'), {}, { filters })] }),
    ],
  });
  t.after(() => proxy.close());
  for (let i = 0; i < 3; i++) assert.equal((await ask(port, `/${i}`, { method: 'POST', body: 'x' })).body, 'original');
  await until(() => mirrored.requests.length === 3, 'the copies do not arrive');
  assert.deepEqual(mirrored.requests.toSorted(), ['POST /0 x', 'POST /1 x', 'POST /2 x']);
  assert.equal(mirrored.sessions.length, 1);
});

test('checks are by HTTP/2 as well; workers count their streams', async (t) => {
  const server = await h2cServer(t);
  const port = await freePort();
  const healthCheck = { path: '/healthz', interval: 20, timeout: 1000, healthy: 1, unhealthy: 1 };
  const proxy = await startTestProxy({
    pieces: [
      realServer('s', server.port, { protocol: 'H2C', healthCheck }),
      virtualServer(port, { rules: [rule('all', to('s'))] }),
    ],
    workers: 2,
  });
  t.after(() => proxy.close());
  await until(() => server.requests.filter((request) => request === 'GET /healthz ').length > 2, 'nobody checks');
  for (let i = 0; i < 10; i++) assert.equal((await ask(port, '/')).body, 'by h2c');
  await until(() => proxy.serving.totals().upstreamStreams === 10, 'the streams are not counted');
  assert.ok(proxy.serving.totals().upstreamConnections <= 2);
  assert.equal(proxy.serving.totals().upstreamFaults, 0);
});

test('a listener of TCP passes on what is said, whatever the protocol', async (t) => {
  const server = await h2cServer(t);
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('s', server.port, { protocol: 'H2C' }),
      virtualServer(port, { protocol: 'TCP', scheduler: 'wlc', servers: to('s') }),
    ],
  });
  t.after(() => proxy.close());
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const request = session.request({ ':path': '/tcp' });
  let got = '';
  for await (const chunk of request) got += String(chunk);
  session.close();
  await once(session, 'close');
  assert.equal(got, 'by h2c');
  assert.equal(proxy.serving.totals().upstreamStreams, 0);
});
