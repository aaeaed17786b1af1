/** Servers that are spoken to by HTTP/2 through TLS: whom is trusted, what is agreed on, and what becomes of the others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import tls from 'node:tls';

import type { RealServerPiece, ServerTls } from '../../model/snapshot.ts';
import { ask, authorityPiece, freePort, realServer, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';
import { proxyTo, SHOWN } from './stream-servers.ts';
import {
  asking,
  authority,
  clientCertificates,
  front,
  keyAndCertificate,
  other,
  PATIENT,
  secureOrigin,
  stage,
} from './tls-stage.ts';

const server = authority.issue({ names: ['server.example'] });
const TERMS: ServerTls = { hostname: 'server.example', ca: ['test/clients'], clientCertificate: null };

const secure = (name: string, port: number, terms: Partial<ServerTls> = {}, more: Partial<RealServerPiece> = {}) =>
  realServer(name, port, { protocol: 'H2', tls: { ...TERMS, ...terms }, ...more });

/** A server that answers with how the connection came about. */
async function http2Origin(t: TestContext, options: http2.SecureServerOptions = keyAndCertificate(server)) {
  const asked: string[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  const made = http2.createSecureServer(options, (request, response) => {
    asked.push(request.url);
    const socket = request.stream.session!.socket as tls.TLSSocket;
    const { CN = 'nobody' } = socket.getPeerCertificate().subject ?? {};
    response.setHeader(
      'x-seen',
      `${request.httpVersion} ${String(socket.servername)} ${socket.isSessionReused()} ${String(CN)}`,
    );
    response.end('secure');
  });
  made.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  made.on('sessionError', () => undefined);
  const port = await listening(t, made);
  t.after(() => {
    for (const session of sessions) session.destroy();
  });
  return { port, asked, sessions };
}

async function listening(t: TestContext, made: net.Server): Promise<number> {
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  t.after(() => made.close());
  return (made.address() as AddressInfo).port;
}

type Proxy = Awaited<ReturnType<typeof stage>>['proxy'];
const reasons = (proxy: Proxy) => proxy.serving.totals().reasons;

test('the name is asked for; the next connection resumes the session', async (t) => {
  const { port: at, sessions } = await http2Origin(t);
  const { port, proxy } = await front(t, secure('s', at));
  for (let i = 0; i < 5; i++) assert.equal((await ask(port, '/')).headers['x-seen'], '2.0 server.example false nobody');
  assert.equal(proxy.serving.totals().upstreamConnections, 1);
  await until(() => proxy.serving.totals().upstreamStreams === 5, 'the streams are not counted');
  for (const session of sessions) session.close();
  await until(() => proxy.serving.totals().upstreamActive === 0, 'the connection is left');
  assert.equal((await ask(port, '/')).headers['x-seen'], '2.0 server.example true nobody');
});

describe('who is not shown to be who it should be gets no request', () => {
  const cases: [string, Partial<ServerTls>][] = [
    ['another name', { hostname: 'other.example' }],
    ['its address, which the certificate has not', { hostname: null }],
    ['no authority', { ca: [] }],
    ['those of the system', { ca: null }],
  ];
  for (const [what, terms] of cases) {
    test(what, async (t) => {
      const { port: at, asked } = await http2Origin(t);
      const { port, proxy } = await front(t, secure('s', at, terms));
      const answer = await ask(port, '/');
      assert.equal(answer.status, 502);
      assert.match(answer.body, /untrusted_server/);
      assert.deepEqual(asked, []);
      await until(() => reasons(proxy)['untrusted_server'] === 1, 'not counted');
    });
  }

  test('the next server gets it, also what may not be sent twice', async (t) => {
    const { port: bad } = await http2Origin(t, keyAndCertificate(other.issue({ names: ['server.example'] })));
    const { port: good } = await http2Origin(t);
    const { port } = await front(t, secure('bad', bad), secure('good', good));
    for (let i = 0; i < 20; i++) {
      const answer = await ask(port, '/', { method: 'POST', body: 'once' });
      assert.equal(answer.body, 'secure');
    }
  });
});

describe('a server that does not choose h2 is not spoken to', () => {
  /** Servers that have a certificate, but no HTTP/2; `heard`: what they were told once the handshake was over. */
  const servers: [string, (heard: string[]) => net.Server][] = [
    [
      'one of HTTP/1.1 alone, which says so by an alert',
      (heard) => https.createServer(keyAndCertificate(server), (request) => heard.push(String(request.url))),
    ],
    [
      'one that knows no ALPN',
      (heard) =>
        tls.createServer(keyAndCertificate(server), (socket) => {
          socket.on('error', () => undefined);
          socket.on('data', (bytes: Buffer) => heard.push(bytes.toString('latin1')));
        }),
    ],
    [
      'one that knows no ALPN, by TLS 1.2',
      (heard) =>
        tls.createServer({ ...keyAndCertificate(server), maxVersion: 'TLSv1.2' }, (socket) => {
          socket.on('error', () => undefined);
          socket.on('data', (bytes: Buffer) => heard.push(bytes.toString('latin1')));
        }),
    ],
  ];
  for (const [what, make] of servers) {
    test(`${what}: 502, and named`, async (t) => {
      const heard: string[] = [];
      const at = await listening(t, make(heard));
      const { port, proxy } = await front(t, secure('s', at));
      const answer = await ask(port, '/');
      assert.equal(answer.status, 502);
      assert.match(answer.body, /no_http2/);
      await until(() => reasons(proxy)['no_http2'] === 1, 'not counted');
      assert.deepEqual(heard, [], 'nothing was sent, by whatever protocol');
    });
  }

  test('the next server gets it, and it is out after some tries', async (t) => {
    const { port: bad } = await secureOrigin(t, keyAndCertificate(server));
    const { port: good } = await http2Origin(t);
    const { port, proxy } = await front(t, secure('bad', bad), secure('good', good));
    for (let i = 0; i < 20; i++) {
      const answer = await ask(port, '/', { method: 'POST', body: 'once' });
      assert.equal(answer.body, 'secure');
    }
    assert.equal(reasons(proxy)['no_http2'] ?? 0, 0);
    const isOut = () => proxy.serving.counts().endpoints.some(({ down }) => down.includes('ejected'));
    await until(isOut, 'nothing is held against it');
  });

  test('one without TLS hears no plain text', async (t) => {
    const seen: Buffer[] = [];
    const at = await listening(
      t,
      net.createServer((socket) => socket.once('data', (chunk: Buffer) => socket.end(void seen.push(chunk)))),
    );
    const { port } = await front(t, secure('s', at));
    const answer = await ask(port, '/secret-path');
    assert.equal(answer.status, 502);
    assert.match(answer.body, /tls_failed/);
    assert.ok(seen.length > 0 && seen.every((chunk) => chunk[0] === 22 && !chunk.includes('PRI * HTTP')));
  });
});

test('shows the certificate that it is told to, and a new one once that is changed', async (t) => {
  const { port: at } = await http2Origin(t, asking(server));
  const [first, second] = clientCertificates();
  const piece = secure('s', at, { clientCertificate: 'test/client' });
  const { port, serve } = await front(t, first, piece);
  assert.match(String((await ask(port, '/')).headers['x-seen']), / first$/);
  await serve(second, piece);
  assert.match(String((await ask(port, '/')).headers['x-seen']), / second$/, 'not over a connection from before');
  await serve(secure('s', at, { clientCertificate: null }));
  assert.equal((await ask(port, '/')).status, 502);
});

test('trust that is withdrawn ends connections once they carry nothing', async (t) => {
  const { port: at, sessions } = await http2Origin(t);
  const piece = secure('s', at, { ca: ['test/ca'] });
  const { port, serve } = await front(t, authorityPiece('ca', authority.certificate), piece);
  assert.equal((await ask(port, '/')).status, 200);
  await serve(authorityPiece('ca', other.certificate), piece);
  await until(() => sessions.size === 0, 'the connection is left');
  assert.match((await ask(port, '/')).body, /untrusted_server/);
});

test('a handshake may take longer than a connection', async (t) => {
  const held: net.Socket[] = [];
  const h2 = http2.createSecureServer(SHOWN, (_, response) => response.end('late'));
  const at = await listening(
    t,
    net.createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => undefined);
      held.push(socket);
    }),
  );
  const proxy = await proxyTo(t, 'H2', [at], { rule: { timeouts: { request: 10_000, connect: 1000, idle: 10_000 } } });
  const answer = ask(proxy.port, '/');
  await until(() => held.length === 1, 'nobody comes');
  const [stream] = proxy.upstreams();
  await until(() => stream!.deadline > proxy.loop.state.now + 5000, 'the handshake has no more time');
  h2.emit('connection', held[0]);
  held[0]!.resume();
  assert.equal((await answer).body, 'late');
  for (const socket of held) socket.destroy();
  await proxy.settled();
});

test('checks are by HTTP/2 and TLS, and fail where either does', async (t) => {
  const healthCheck = { path: '/healthz', interval: 20, timeout: 5000, healthy: 1, unhealthy: 1 };
  const { port: good, asked } = await http2Origin(t);
  const { port: http1 } = await secureOrigin(t, keyAndCertificate(server));
  const { proxy, serve } = await front(t, secure('s', good, { hostname: 'other.example' }, { healthCheck }));
  const isAsked = () => asked.includes('/healthz');
  const down = () => proxy.serving.counts().endpoints.map((endpoint) => endpoint.down.includes('check'));
  await until(() => down().every(Boolean), 'passes its checks with a certificate of another');
  assert.equal(isAsked(), false);
  await serve(secure('s', good, {}, { healthCheck }));
  await until(() => isAsked() && !down().some(Boolean), 'fails its checks');
  await serve(secure('s', http1, {}, { healthCheck }));
  await until(() => down().every(Boolean), 'passes its checks without HTTP/2');
});

test('a mirror gets its copies as streams', async (t) => {
  const { port: copied, asked, sessions } = await http2Origin(t);
  const filters = [{ type: 'Mirror' as const, server: 'test/copy', percent: 100 }];
  const { port } = await stage(
    t,
    (at) => [
      secure('copy', copied),
      virtualServer(at, { rules: [rule('all', to('web'), {}, { ...PATIENT, filters })] }),
    ],
    1,
  );
  for (let i = 0; i < 3; i++) assert.equal((await ask(port, `/${i}`, { method: 'POST', body: 'x' })).body, 'web');
  await until(() => asked.length === 3, 'the copies do not arrive');
  assert.equal(sessions.size, 1);
});

test('a listener of TCP puts into TLS what is said; only where the server chooses h2', async (t) => {
  const { port: good } = await http2Origin(t);
  const { port: http1 } = await secureOrigin(t, keyAndCertificate(server));
  const [port, refused] = [await freePort(), await freePort()];
  const { proxy } = await stage(t, () => [
    secure('s', good),
    secure('h1', http1),
    virtualServer(port, { protocol: 'TCP', scheduler: 'wlc', servers: to('s') }),
    virtualServer(refused, { key: 'test/refused', protocol: 'TCP', scheduler: 'wlc', servers: to('h1') }),
  ]);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const request = session.request({ ':path': '/tcp', ':scheme': 'https' });
  let got = '';
  for await (const chunk of request) got += String(chunk);
  session.close();
  await once(session, 'close');
  assert.equal(got, 'secure');
  assert.equal(proxy.serving.totals().upstreamStreams, 0);
  const socket = net.connect(refused, '127.0.0.1');
  socket.write('hello');
  socket.on('error', () => undefined);
  await new Promise((resolve) => {
    socket.on('close', resolve);
  });
  assert.equal(socket.bytesRead, 0);
});
