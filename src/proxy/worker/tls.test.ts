import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import tls from 'node:tls';

import type { HandshakeFailure } from '../../model/handshakes.ts';
import { newTicketKey } from '../../tls/ticket-keys.ts';
import type { TestProxy } from '../testing.ts';
import { ask, authorityPiece, certificatePiece, freePort, realServer, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';
import {
  authority,
  client,
  clientOptions,
  connected,
  get,
  keyAndCertificate,
  other,
  secureServer,
  stage,
} from './tls-stage.ts';

/** Workers count for themselves: it is seen a moment later. */
const failures = (proxy: TestProxy, why: HandshakeFailure, times: number) =>
  until(() => proxy.serving.totals().tls.failures[why] === times, `not counted as ${why}`);

const names = (socket: tls.TLSSocket) => socket.getPeerCertificate().subjectaltname;

/** Connects until it was resumed by each worker, or was not. */
const resumes = async (port: number, session: Buffer, options: https.RequestOptions = {}) => {
  const found = new Set<boolean>();
  for (let i = 0; i < 4; i++) {
    const answer = await get(port, '/', { session, ...options });
    assert.equal(answer.status, 200);
    found.add(answer.socket.isSessionReused());
  }
  assert.equal(found.size, 1, 'all workers answer alike');
  return found.has(true);
};

const sessionOf = async (port: number, options: tls.ConnectionOptions = {}) => {
  const { headers: _, ...defaults } = clientOptions(port);
  const socket = tls.connect({ ...defaults, ...options });
  const [session] = (await once(socket, 'session')) as [Buffer];
  socket.destroy();
  return session;
};

const named = (servername: string) => ({ servername, headers: { host: servername }, rejectUnauthorized: false });

const mutual = (at: number) => [
  secureServer(at, { tls: { certificates: ['test/shop'], clientCa: ['test/clients'] }, hosts: ['shop.example'] }),
  { ...secureServer(at, { hosts: ['open.shop.example'] }), key: 'test/open' },
];

/** Node's clients of TLS 1.3 are done before the server has judged them: what comes of a request tells. */
const refused = (port: number, options: https.RequestOptions & { session?: Buffer }) =>
  assert.rejects(get(port, '/', options), /ECONNRESET|EPIPE|hang up|disconnected/);

const said = async (socket: net.Socket) => {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

describe('HTTP over TLS', () => {
  test('a request, and what the server is told of it', async (t) => {
    const { port, web } = await stage(t);
    const answer = await get(port, '/a');
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'web');
    assert.equal(answer.socket.alpnProtocol, false);
    const { headers } = web.requests[0]!;
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers['forwarded'], 'for=127.0.0.1;proto=https');
  });

  test('many requests over one connection, and pipelined ones', async (t) => {
    const { port, proxy } = await stage(t);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (let i = 0; i < 20; i++) assert.equal((await get(port, `/${i}`, { agent })).body, 'web');
    assert.equal(proxy.serving.totals().connectionsAccepted, 1);
    const socket = await connected(port);
    const requests = Array.from({ length: 50 }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    socket.write(`${requests.join('')}GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 51);
  });

  test('long bodies both ways, byte for byte', async (t) => {
    const { port, serve } = await stage(t);
    const server = http
      .createServer((request, response) => {
        response.setHeader('content-length', request.headers['content-length'] ?? '0');
        request.pipe(response);
      })
      .listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await serve(
      realServer('echo', (server.address() as net.AddressInfo).port),
      secureServer(port, { rules: [rule('all', to('echo'))] }),
    );
    const body = Buffer.alloc(5_000_000, 'all kinds of bytes ');
    const request = https.request({ ...clientOptions(port), method: 'POST', path: '/', agent: false });
    request.setHeader('content-length', body.length);
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(body));
  });

  test('a redirect keeps the scheme', async (t) => {
    const { port } = await stage(t, (at) => [
      secureServer(at, {
        rules: [
          rule(
            'all',
            to('web'),
            {},
            {
              filters: [
                {
                  type: 'Redirect',
                  scheme: null,
                  host: null,
                  port: null,
                  path: { type: 'Full', value: '/there' },
                  status: 302,
                },
              ],
            },
          ),
        ],
      }),
    ]);
    assert.equal((await get(port, '/')).headers.location, 'https://shop.example/there');
  });

  test('a client that ends its side gets its answer, and TLS is closed as it should be', async (t) => {
    const { port } = await stage(t);
    const raw = net.connect(port, '127.0.0.1');
    const socket = tls.connect({ socket: raw, ca: authority.certificate, servername: 'shop.example' });
    await once(socket, 'secureConnect');
    socket.end('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 200 [^]*web$/);
  });
});

describe('certificates', () => {
  test('by name: exact before wildcard, the first where none fits or none is named', async (t) => {
    const first = authority.issue({ names: ['first.example'] });
    const exact = authority.issue({ names: ['www.shop.example'] });
    const { port } = await stage(t, (at) => [
      certificatePiece('first', first),
      certificatePiece('exact', exact),
      secureServer(at, { tls: { certificates: ['test/first', 'test/shop', 'test/exact'] } }),
    ]);
    const shown = async (servername: string) => {
      const socket = await connected(port, { servername, rejectUnauthorized: false });
      const text = names(socket);
      socket.destroy();
      return text;
    };
    assert.equal(await shown('shop.example'), 'DNS:shop.example, DNS:*.shop.example');
    assert.equal(await shown('A.Shop.Example'), 'DNS:shop.example, DNS:*.shop.example');
    assert.equal(await shown('www.shop.example'), 'DNS:www.shop.example');
    assert.equal(await shown('a.b.shop.example'), 'DNS:first.example', 'a wildcard is one label');
    assert.equal(await shown('unknown.example'), 'DNS:first.example');
    assert.equal(await shown(''), 'DNS:first.example');
  });

  test('a virtual server shows its own for its hosts, whatever names those of others have', async (t) => {
    const thief = other.issue({ names: ['shop.example', 'thief.example'] });
    const { port } = await stage(t, (at) => [
      certificatePiece('thief', thief),
      // by its key it is the listener's first
      { ...secureServer(at, { hosts: ['thief.example'], tls: { certificates: ['test/thief'] } }), key: 'a/thief' },
      secureServer(at, { hosts: ['shop.example'] }),
    ]);
    const shown = async (servername: string) => {
      const socket = await connected(port, { servername, rejectUnauthorized: false });
      const text = names(socket);
      socket.destroy();
      return text;
    };
    assert.equal(await shown('shop.example'), 'DNS:shop.example, DNS:*.shop.example');
    assert.equal(await shown('thief.example'), 'DNS:shop.example, DNS:thief.example');
    assert.equal(await shown('nobody.example'), 'DNS:shop.example, DNS:thief.example');
  });

  test('of two kinds of key each client gets the one it takes', async (t) => {
    const rsa = authority.issue({ names: ['shop.example'], key: 'rsa' });
    const { port } = await stage(t, (at) => [
      certificatePiece('rsa', rsa),
      secureServer(at, { tls: { certificates: ['test/shop', 'test/rsa'] } }),
    ]);
    const cipher = async (ciphers: string) => {
      const socket = await connected(port, { ciphers, maxVersion: 'TLSv1.2' });
      const { name } = socket.getCipher();
      socket.destroy();
      return name;
    };
    assert.equal(await cipher('ECDHE-RSA-AES128-GCM-SHA256'), 'ECDHE-RSA-AES128-GCM-SHA256');
    assert.equal(await cipher('ECDHE-ECDSA-AES256-GCM-SHA384'), 'ECDHE-ECDSA-AES256-GCM-SHA384');
  });

  test('are swapped under load without a failed request, and no connection is closed', async (t) => {
    const { port, proxy, serve } = await stage(t);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
    t.after(() => agent.destroy());
    const world = { on: true, kept: 0, fresh: 0 };
    const load = async (fresh: boolean) => {
      while (world.on) {
        const answer = await get(port, '/', fresh ? {} : { agent });
        assert.equal(answer.status, 200);
        if (fresh) answer.socket.destroy();
        world[fresh ? 'fresh' : 'kept']++;
      }
    };
    const loads = [false, false, true, true].map(load);
    for (let i = 0; i < 20; i++) {
      const next = authority.issue({ names: ['shop.example'], subject: `number ${i}` });
      await serve(certificatePiece('next', next), secureServer(port, { tls: { certificates: ['test/next'] } }));
      const socket = await connected(port);
      assert.equal(socket.getPeerCertificate().subject.CN, `number ${i}`);
      socket.destroy();
    }
    world.on = false;
    await Promise.all(loads);
    assert.ok(world.kept > 0 && world.fresh > 0);
    assert.equal(proxy.serving.totals().reasons['internal'], 0);
    const open = Object.values(agent.freeSockets).flat().length;
    assert.ok(open > 0 && open <= 2, 'each of the two has kept one connection');
  });

  test('a listener whose certificates are gone says so to clients', async (t) => {
    const { port, serve, proxy } = await stage(t);
    await serve(secureServer(port, { tls: { certificates: ['test/gone'] } }));
    await assert.rejects(connected(port), /unrecognized name/);
    await failures(proxy, 'unknown_name', 1);
  });
});

describe('versions and ciphers', () => {
  test('not below TLS 1.2, or what the listener says', async (t) => {
    const { port, serve, proxy } = await stage(t);
    const version = async (options: tls.ConnectionOptions) => {
      const socket = await connected(port, { ...options, ciphers: 'ALL:@SECLEVEL=0' });
      const found = socket.getProtocol();
      socket.destroy();
      return found;
    };
    assert.equal(await version({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
    assert.equal(await version({}), 'TLSv1.3');
    await assert.rejects(version({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }), /protocol version/);
    await serve(secureServer(port, { tls: { certificates: ['test/shop'], minVersion: 'TLSv1.3' } }));
    await assert.rejects(version({ maxVersion: 'TLSv1.2' }), /protocol version/);
    assert.equal(await version({}), 'TLSv1.3');
    await failures(proxy, 'version', 2);
  });

  test('no cipher without authenticated encryption and forward secrecy', async (t) => {
    const { port, proxy } = await stage(t);
    const weak = ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'AES128-GCM-SHA256'];
    for (const ciphers of weak)
      await assert.rejects(connected(port, { ciphers, maxVersion: 'TLSv1.2' }), /handshake failure/, ciphers);
    await failures(proxy, 'no_overlap', weak.length);
  });

  test('protocols: http/1.1, and nothing else that a client insists on', async (t) => {
    const { port, proxy } = await stage(t);
    const socket = await connected(port, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
    await assert.rejects(connected(port, { ALPNProtocols: ['imap'] }), /no application protocol/);
    await failures(proxy, 'no_overlap', 1);
  });
});

describe('sessions', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`are resumed by all workers, and over a rotation of keys with overlap (${maxVersion})`, async (t) => {
      const { port, proxy } = await stage(t);
      const keys = Array.from({ length: 4 }, newTicketKey);
      const session = await sessionOf(port, { maxVersion });
      assert.equal(await resumes(port, session, { maxVersion }), true);
      proxy.serving.setTicketKeys([keys[0]!]);
      assert.equal(await resumes(port, session, { maxVersion }), false, 'our own keys are no more');
      const second = await sessionOf(port, { maxVersion });
      proxy.serving.setTicketKeys([keys[1]!, keys[0]!]);
      assert.equal(await resumes(port, second, { maxVersion }), true, 'the former key decrypts');
      proxy.serving.setTicketKeys([keys[2]!, keys[1]!]);
      assert.equal(await resumes(port, second, { maxVersion }), false);
      await until(() => proxy.serving.totals().tls.resumptions === 8, 'not counted');
    });
  }

  test('a session of another virtual server is none of this one', async (t) => {
    const { port } = await stage(t, (at) => [
      certificatePiece('b', authority.issue({ names: ['b.shop.example'] })),
      secureServer(at, { hosts: ['a.shop.example'] }),
      { ...secureServer(at, { hosts: ['b.shop.example'], tls: { certificates: ['test/b'] } }), key: 'test/b' },
    ]);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const session = bare(await sessionOf(port, { servername: 'a.shop.example', maxVersion }), 'a.shop.example');
      assert.equal(await resumes(port, session, { ...named('a.shop.example'), maxVersion }), true);
      assert.equal(await resumes(port, session, { ...named('b.shop.example'), maxVersion }), false);
    }
  });
});

describe('certificates of clients', () => {
  const shown = keyAndCertificate(client);
  const foreign = keyAndCertificate(other.issue({ names: ['client.example'] }));

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`are asked for where a virtual server says so, and must be signed by whom it says (${maxVersion})`, async (t) => {
      const { port, proxy } = await stage(t, mutual);
      assert.equal((await get(port, '/', { ...shown, maxVersion })).status, 200);
      await refused(port, { maxVersion });
      await refused(port, { ...foreign, maxVersion });
      const open = { servername: 'open.shop.example', headers: { host: 'open.shop.example' }, maxVersion } as const;
      assert.equal((await get(port, '/', open)).status, 200);
      await failures(proxy, 'client_certificate', 2);
    });

    test(`a session that began without one cannot be resumed where one is asked for (${maxVersion})`, async (t) => {
      const { port } = await stage(t, mutual);
      const { headers: _, ...defaults } = clientOptions(port);
      const first = tls.connect({ ...defaults, servername: 'open.shop.example', maxVersion });
      const [session] = (await once(first, 'session')) as [Buffer];
      first.destroy();
      await refused(port, { maxVersion, session: bare(session, 'open.shop.example'), rejectUnauthorized: false });
      const own = tls.connect({ ...defaults, ...shown, maxVersion });
      const [good] = (await once(own, 'session')) as [Buffer];
      own.destroy();
      const again = await get(port, '/', { ...shown, session: good, maxVersion });
      assert.equal(again.status, 200);
      assert.equal(again.socket.isSessionReused(), true);
    });
  }

  test('75: another host than the one that was named in the handshake is answered 421', async (t) => {
    const { port, web } = await stage(t, mutual);
    const statusOf = async (servername: string, host: string, options: https.RequestOptions = {}) =>
      (await get(port, '/', { servername, headers: { host }, rejectUnauthorized: false, ...options })).status;
    assert.equal(await statusOf('open.shop.example', 'shop.example'), 421);
    assert.equal(await statusOf('open.shop.example', 'SHOP.example:443'), 421);
    assert.equal(await statusOf('unknown.shop.example', 'shop.example', shown), 421);
    assert.equal(await statusOf('', 'shop.example', shown), 200, 'the first one’s, and judged by its authorities');
    assert.equal(await statusOf('shop.example', 'Shop.Example.', shown), 200);
    assert.equal(await statusOf('shop.example', 'open.shop.example', shown), 200, 'that one is open to all');
    assert.equal(web.requests.length, 3);
  });

  test('who is trusted no longer is not served over connections from before', async (t) => {
    const { port, serve } = await stage(t, mutual);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal((await get(port, '/', { ...shown, agent })).status, 200);
    await serve(
      authorityPiece('others', other.certificate),
      secureServer(port, { tls: { certificates: ['test/shop'], clientCa: ['test/others'] }, hosts: ['shop.example'] }),
    );
    assert.equal((await get(port, '/', { ...shown, agent })).status, 421);
    await refused(port, shown);
    assert.equal((await get(port, '/', foreign)).status, 200);
  });
});

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

describe('a listener of TLS on a virtual server with other listeners', () => {
  test('the same rules by HTTP and by HTTPS', async (t) => {
    const plainPort = await freePort();
    const { port } = await stage(t, (at) => {
      const secure = secureServer(at);
      const plain = virtualServer(plainPort, { rules: secure.rules });
      return [{ ...secure, listeners: [...secure.listeners, ...plain.listeners] }];
    });
    assert.equal((await get(port, '/')).status, 200);
    assert.equal((await ask(plainPort, '/')).status, 200);
  });
});

/** The session as a client has it that does not care whose it is; Node's own remembers the name in front of it. */
function bare(session: Buffer, name: string): Buffer {
  return session.subarray(session.indexOf(name) + name.length);
}

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
