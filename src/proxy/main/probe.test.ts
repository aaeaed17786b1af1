import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { createServer as createSecureServer } from 'node:tls';

import type { ServerProtocol, ServerTls } from '../../model/snapshot.ts';
import { makeAuthority } from '../../tls/fixture/authority.ts';
import { AddressGuard } from '../address-guard.ts';
import { ServerContexts } from '../server-contexts.ts';
import { freePort } from './fixture/support.ts';
import { bounded, probeWith } from './probe.ts';

const authority = makeAuthority();
const shown = authority.issue({ names: ['client.example'] });
const probe = probeWith(
  new ServerContexts({
    authoritiesOf: (keys) =>
      keys.map((key) => ({ kind: 'Authority', key, hash: key, certificates: authority.certificate })),
    certificatesOf: (keys) => keys.map((key) => ({ kind: 'Certificate', key, hash: key, ...shown })),
  }),
  new AddressGuard(),
);

const listen = async (t: TestContext, server: net.Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as net.AddressInfo).port;
};

const at = (port: number, protocol: ServerProtocol = 'HTTP1', tls: ServerTls | null = null) => ({
  address: '127.0.0.1',
  port,
  protocol,
  tls,
  proxyProtocol: null,
  guard: null,
});

test('without a check: a connection is enough', async (t) => {
  const port = await listen(
    t,
    net.createServer((socket) => socket.end()),
  );
  assert.equal(await probe(at(port), null), null);
  assert.equal(await probe(at(await freePort()), null), 'ECONNREFUSED');
});

test('HTTP/1.1: 2xx and 3xx to a GET of the path are healthy', async (t) => {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.statusCode = Number(request.url!.slice(1));
    response.end();
  });
  const port = await listen(t, server);
  const check = (status: number) => probe(at(port), { path: `/${status}`, timeout: 30_000 });
  assert.equal(await check(200), null);
  assert.equal(await check(302), null);
  assert.equal(await check(404), 'status 404');
  assert.equal(await check(503), 'status 503');
  assert.equal(asked[0], `GET /200 127.0.0.1:${port}`);
});

test('HTTP/2 with prior knowledge', async (t) => {
  const server = http2.createServer();
  server.on('request', (request, response) => {
    response.writeHead(Number(request.url.slice(1)));
    response.end();
  });
  const port = await listen(t, server);
  assert.equal(await probe(at(port, 'H2C'), { path: '/204', timeout: 30_000 }), null);
  assert.equal(await probe(at(port, 'H2C'), { path: '/500', timeout: 30_000 }), 'status 500');
});

test('by TLS: the server has to show who it is, and may ask the same of us', async (t) => {
  const { certificate, privateKey } = authority.issue({ names: ['server.example'] });
  const server = https.createServer(
    { cert: certificate, key: privateKey, ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      response.statusCode = Number(request.url!.slice(1));
      response.end();
    },
  );
  const port = await listen(t, server);
  const terms: ServerTls = { hostname: 'server.example', ca: ['a'], clientCertificate: 'c' };
  const ask = (change: Partial<ServerTls>, path: string | null) =>
    probe(at(port, 'HTTPS', { ...terms, ...change }), path === null ? null : { path, timeout: 30_000 });
  assert.equal(await ask({}, '/200'), null);
  assert.equal(await ask({}, '/503'), 'status 503');
  assert.equal(await ask({}, null), null);
  assert.equal(await ask({ hostname: 'other.example' }, '/200'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await ask({ hostname: null }, null), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.match(String(await ask({ ca: null }, '/200')), /SELF_SIGNED|UNABLE_TO_VERIFY/);
  assert.match(String(await ask({ ca: [] }, null)), /SELF_SIGNED|UNABLE_TO_VERIFY/);
  assert.notEqual(await ask({ clientCertificate: null }, '/200'), null);
});

test('HTTP/2 through TLS: with a check or without, h2 has to be chosen', async (t) => {
  const { certificate, privateKey } = authority.issue({ names: ['server.example'] });
  const options = { cert: certificate, key: privateKey };
  const server = http2.createSecureServer(options, (request, response) => {
    response.writeHead(request.scheme === 'https' ? Number(request.url.slice(1)) : 400);
    response.end();
  });
  const port = await listen(t, server);
  const http1 = await listen(t, https.createServer(options));
  const without = await listen(t, createSecureServer(options));
  const terms: ServerTls = { hostname: 'server.example', ca: ['a'], clientCertificate: null };
  const ask = (to: number, path: string | null, change: Partial<ServerTls> = {}) =>
    probe(at(to, 'H2', { ...terms, ...change }), path === null ? null : { path, timeout: 30_000 });
  assert.equal(await ask(port, '/200'), null);
  assert.equal(await ask(port, '/503'), 'status 503');
  assert.equal(await ask(port, null), null);
  assert.equal(await ask(port, '/200', { hostname: 'other.example' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  for (const other of [http1, without])
    for (const path of ['/200', null]) assert.equal(await ask(other, path), 'the server does not choose h2 by ALPN');
});

test('no answer, no HTTP, nobody there', async (t) => {
  const silent = await listen(
    t,
    net.createServer((socket) => t.after(() => socket.destroy())),
  );
  assert.equal(await probe(at(silent), { path: '/', timeout: 20 }), 'no answer within 20 ms');
  const babble = await listen(
    t,
    net.createServer((socket) => socket.end('SSH-2.0\r\n')),
  );
  assert.match((await probe(at(babble), { path: '/', timeout: 30_000 }))!, /^HPE_|^ECONN/);
  for (const protocol of ['HTTP1', 'H2C', 'HTTPS', 'H2'] as const) {
    assert.equal(await probe(at(await freePort(), protocol), { path: '/', timeout: 30_000 }), 'ECONNREFUSED');
  }
});

test('bounded: so many at once, the others in turn', async () => {
  let running = 0;
  let most = 0;
  const ask = bounded(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    running--;
    return null;
  }, 3);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(at(1), null)));
  assert.equal(answers.length, 20);
  assert.equal(most, 3);
});
