import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import type { RealServerPiece, ServerTls } from '../../model/snapshot.ts';
import { ask, authorityPiece, freePort, realServer, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';
import {
  asking,
  authority,
  clientCertificates,
  front,
  keyAndCertificate,
  other,
  secureOrigin,
  stage,
} from './tls-stage.ts';

const server = authority.issue({ names: ['server.example'] });
const TERMS: ServerTls = { hostname: 'server.example', ca: ['test/clients'], clientCertificate: null };

const secure = (name: string, port: number, terms: Partial<ServerTls> = {}, more: Partial<RealServerPiece> = {}) =>
  realServer(name, port, { protocol: 'HTTPS', tls: { ...TERMS, ...terms }, ...more });

const reasons = (proxy: Awaited<ReturnType<typeof stage>>['proxy']) => proxy.serving.totals().reasons;

describe('servers that are spoken to by TLS', () => {
  test('requests over kept connections; the next one resumes the session', async (t) => {
    const { port: at, server: origin } = await secureOrigin(t, keyAndCertificate(server));
    const { port, proxy } = await front(t, secure('s', at));
    for (let i = 0; i < 5; i++) {
      const answer = await ask(port, '/');
      assert.equal(answer.body, 'secure');
      assert.equal(answer.headers['x-name'], 'server.example');
      assert.equal(answer.headers['x-resumed'], 'false');
    }
    assert.equal(proxy.serving.totals().upstreamConnections, 1);
    origin.closeAllConnections();
    await until(() => proxy.serving.totals().upstreamActive === 0, 'the connection is left');
    assert.equal((await ask(port, '/')).headers['x-resumed'], 'true');
  });

  test('a session is not resumed once the certificate that it began with is over', async (t) => {
    // Certificates count in whole seconds.
    const notAfter = new Date(1000 * Math.ceil(Date.now() / 1000) + 2000);
    const short = authority.issue({ names: ['server.example'], notAfter });
    const { port: at, server: origin } = await secureOrigin(t, keyAndCertificate(short));
    const { port, proxy } = await front(t, secure('s', at));
    assert.equal((await ask(port, '/')).status, 200);
    while (Date.now() <= notAfter.getTime() + 1000) await sleep(100);
    assert.equal((await ask(port, '/')).status, 200, 'a connection that stands is not looked at again');
    origin.closeAllConnections();
    await until(() => proxy.serving.totals().upstreamActive === 0, 'the connection is left');
    assert.equal((await ask(port, '/')).status, 502);
    assert.equal(reasons(proxy).untrusted_server, 1);
  });

  test('bodies both ways', async (t) => {
    const { port: at } = await secureOrigin(t, keyAndCertificate(server), (request, response) => {
      request.pipe(response);
    });
    const { port } = await front(t, secure('s', at));
    const body = 'some bytes '.repeat(300_000);
    const answer = await ask(port, '/', { method: 'POST', body, headers: { 'content-length': body.length } });
    assert.ok(answer.body === body);
  });

  const untrusted: [string, ServerTls, boolean][] = [
    ['another name', { ...TERMS, hostname: 'other.example' }, false],
    ['its address, which the certificate has not', { ...TERMS, hostname: null }, false],
    ['no authority', { ...TERMS, ca: [] }, false],
    ['an authority that is not there', { ...TERMS, ca: ['test/gone'] }, false],
    ['those of the system', { ...TERMS, ca: null }, false],
    ['those of the system, for which the environment would let anybody in', { ...TERMS, ca: null }, true],
  ];
  for (const [what, terms, anybody] of untrusted) {
    test(`who is not shown to be who it should be gets no request: ${what}`, async (t) => {
      if (anybody) {
        process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
        t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
      }
      const asked: string[] = [];
      const { port: at } = await secureOrigin(t, keyAndCertificate(server), (request, response) => {
        asked.push(String(request.url));
        response.end();
      });
      const { port, proxy } = await front(t, secure('s', at, terms));
      const answer = await ask(port, '/');
      assert.equal(answer.status, 502);
      assert.match(answer.body, /untrusted_server/);
      assert.deepEqual(asked, []);
      assert.equal(reasons(proxy)['untrusted_server'], 1);
    });
  }

  test('a server without TLS is never spoken to in plain text', async (t) => {
    const seen: Buffer[] = [];
    const closing = net.createServer((socket) => {
      socket.once('data', (chunk: Buffer) => {
        seen.push(chunk);
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain');
      });
    });
    closing.listen(0, '127.0.0.1');
    await once(closing, 'listening');
    t.after(() => closing.close());
    const { port } = await front(t, secure('s', (closing.address() as net.AddressInfo).port));
    const answer = await ask(port, '/secret-path');
    assert.equal(answer.status, 502);
    assert.match(answer.body, /tls_failed/);
    assert.ok(seen.every((chunk) => chunk[0] === 22 && !chunk.includes('secret-path')));
  });

  test('goes to the next server, also with what may not be sent twice', async (t) => {
    const { port: bad } = await secureOrigin(t, keyAndCertificate(other.issue({ names: ['server.example'] })));
    const { port: good } = await secureOrigin(t, keyAndCertificate(server));
    const { port } = await front(t, secure('bad', bad), secure('good', good));
    for (let i = 0; i < 20; i++) {
      const answer = await ask(port, '/', { method: 'POST', body: 'once' });
      assert.equal(answer.body, 'secure');
    }
  });

  test('shows the certificate that it is told to, and a new one once that is changed', async (t) => {
    const { port: at } = await secureOrigin(t, asking(server));
    const [first, second] = clientCertificates();
    const piece = secure('s', at, { clientCertificate: 'test/client' });
    const { port, serve } = await front(t, first, piece);
    assert.equal((await ask(port, '/')).headers['x-client'], 'first');
    await serve(second, piece);
    assert.equal((await ask(port, '/')).headers['x-client'], 'second', 'not over a connection from before');
    await serve(secure('s', at, { clientCertificate: null }));
    assert.equal((await ask(port, '/')).status, 502);
  });

  test('trust that is withdrawn ends connections that are idle', async (t) => {
    const { port: at } = await secureOrigin(t, keyAndCertificate(server));
    const trusting = authorityPiece('ca', authority.certificate);
    const piece = secure('s', at, { ca: ['test/ca'] });
    const { port, serve } = await front(t, trusting, piece);
    assert.equal((await ask(port, '/')).status, 200);
    await serve(authorityPiece('ca', other.certificate), piece);
    const answer = await ask(port, '/');
    assert.match(answer.body, /untrusted_server/);
  });

  test('the same address under other terms is another endpoint', async (t) => {
    const { port: at } = await secureOrigin(t, keyAndCertificate(server));
    const { port, proxy } = await front(t, secure('a', at), secure('b', at, { hostname: 'other.example' }));
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(port, '/')));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(proxy.serving.counts().endpoints.length, 2);
  });

  test('an answer without a length ends with the connection, and is counted', async (t) => {
    const { port: at } = await secureOrigin(t, keyAndCertificate(server), (_, response) => {
      response.socket!.end('HTTP/1.1 200 OK\r\n\r\nuntil the end');
    });
    const { port, proxy } = await front(t, secure('s', at));
    assert.equal((await ask(port, '/')).body, 'until the end');
    assert.equal(proxy.serving.totals().tls.unframedAnswers, 1);
  });

  test('an answer that is cut off is no whole one', async (t) => {
    const { port: at } = await secureOrigin(t, keyAndCertificate(server), (_, response) => {
      response.setHeader('content-length', 100);
      response.write('a part', () => response.socket!.destroy());
    });
    const { port } = await front(t, secure('s', at));
    const socket = net.connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    const [error] = (await once(
      socket.on('data', () => undefined),
      'error',
    )) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  test('checks are made by TLS, and fail where it does', async (t) => {
    const check = { path: '/', interval: 20, timeout: 5000, healthy: 1, unhealthy: 1 };
    const { port: at } = await secureOrigin(t, keyAndCertificate(server));
    const healthCheck = { healthCheck: check };
    const { proxy, serve } = await front(t, secure('s', at, { hostname: 'other.example' }, healthCheck));
    const isDown = () => proxy.serving.counts().endpoints.every(({ down }) => down.includes('check'));
    await until(isDown, 'passes its checks');
    await serve(secure('s', at, {}, healthCheck));
    await until(() => proxy.serving.counts().endpoints.every(({ down }) => down.length === 0), 'fails its checks');
  });

  test('TCP is carried by TLS to a server that asks for it', async (t) => {
    const echo = tls.createServer(keyAndCertificate(server), (socket) => {
      socket.write(`${socket.authorized} `);
      socket.pipe(socket);
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    t.after(() => echo.close());
    const port = await freePort();
    await stage(t, () => [
      secure('s', (echo.address() as net.AddressInfo).port),
      virtualServer(port, { protocol: 'TCP', scheduler: 'wlc', servers: to('s') }),
    ]);
    const socket = net.connect(port, '127.0.0.1');
    socket.end('hello');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.equal(text, 'false hello');
  });
});
