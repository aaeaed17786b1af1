/** The PROXY protocol out, to servers that are other people's programs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { AddressGuard } from '../../src/proxy/address-guard.ts';
import { probeWith } from '../../src/proxy/main/probe.ts';
import { ServerContexts } from '../../src/proxy/server-contexts.ts';
import { startTestProxy, type TestProxy } from '../../src/proxy/testing.ts';
import {
  authorityPiece,
  certificatePiece,
  freePort,
  realServer,
  to,
  virtualServer,
} from '../../src/proxy/worker/fixture.ts';
import { temporaryDirectory } from '../../src/standalone/fixture/temporary-directory.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { missing } from '../clients/commands.ts';
import { type Receiver, receivers } from './receivers.ts';

const authority = makeAuthority();
const shown = authority.issue({ names: ['shop.example'] });
const GET = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n';

/** One request; `first` goes before it, `secure` puts TLS around it. @returns the answer's body, and the client's port */
async function ask(port: number, { first = '', secure = false } = {}) {
  const raw = net.connect(port, '127.0.0.1');
  await once(raw, 'connect');
  const own = raw.localPort!;
  if (first !== '') raw.write(first);
  const socket = secure ? tls.connect({ socket: raw, servername: 'shop.example', ca: authority.certificate }) : raw;
  socket.write(GET);
  let text = '';
  while (!/\r\n\r\n./.test(text)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    text += chunk.toString('latin1');
  }
  raw.destroy();
  return { body: text.slice(text.indexOf('\r\n\r\n') + 4), own };
}

for (const name of ['haproxy', 'nginx'] as const) {
  describe(`${name} as a server that is told the client`, { skip: missing([name]) }, () => {
    let receiver: Receiver;
    let proxy: TestProxy;
    const ports = new Map<string, number>();

    before(async () => {
      receiver = await receivers[name](temporaryDirectory(), shown);
      const pieces = [];
      for (const version of ['V1', 'V2'] as const) {
        const servers = {
          plain: realServer(`plain-${version}`, receiver.port, { proxyProtocol: version }),
          secure: realServer(`secure-${version}`, receiver.securePort, {
            proxyProtocol: version,
            protocol: 'HTTPS',
            tls: { hostname: 'shop.example', ca: ['test/ca'], clientCertificate: null },
          }),
        };
        const places = [
          ['HTTP', 'HTTP', 'plain', 'None'],
          ['HTTP to HTTPS', 'HTTP', 'secure', 'None'],
          ['TCP', 'TCP', 'plain', 'None'],
          ['TLS passed through', 'TLS', 'secure', 'None'],
          ['HTTP behind a proxy', 'HTTP', 'plain', 'Accept'],
          ['TCP behind a proxy', 'TCP', 'plain', 'Accept'],
        ] as const;
        pieces.push(servers.plain, servers.secure);
        for (const [what, protocol, server, proxyProtocol] of places) {
          const port = await freePort();
          ports.set(`${what} ${version}`, port);
          const scheduler = protocol === 'HTTP' ? 'http' : 'wlc';
          const piece = virtualServer(port, { protocol, scheduler, servers: to(`${server}-${version}`) });
          const listeners = piece.listeners.map((listener) => ({ ...listener, proxyProtocol }));
          pieces.push({ ...piece, key: `test/${port}`, hash: `${port}`, listeners });
        }
      }
      proxy = await startTestProxy({
        pieces: [...pieces, certificatePiece('shop', shown), authorityPiece('ca', authority.certificate)],
        settings: { trustedProxies: ['127.0.0.0/8'] },
        workers: 2,
      });
    });

    after(async () => {
      await proxy.close();
      await receiver.stop();
    });

    for (const version of ['V1', 'V2'] as const) {
      for (const what of ['HTTP', 'HTTP to HTTPS', 'TCP', 'TLS passed through']) {
        test(`${what}, ${version}`, async () => {
          const port = ports.get(`${what} ${version}`)!;
          const { body, own } = await ask(port, { secure: what === 'TLS passed through' });
          assert.equal(body, `127.0.0.1 ${own} 127.0.0.1 ${port}`);
        });
      }

      for (const what of ['HTTP behind a proxy', 'TCP behind a proxy']) {
        test(`${what}, ${version}: the first address goes all the way`, async () => {
          const first = 'PROXY TCP4 203.0.113.7 192.0.2.1 56324 80\r\n';
          const { body } = await ask(ports.get(`${what} ${version}`)!, { first });
          assert.equal(body, '203.0.113.7 56324 192.0.2.1 80');
          const six = 'PROXY TCP6 2001:db8::7 2001:db8::1 56324 80\r\n';
          const other = await ask(ports.get(`${what} ${version}`)!, { first: six });
          assert.equal(other.body, '2001:db8::7 56324 2001:db8::1 80');
        });
      }
    }

    test('health checks are understood, and would not be without the header', async () => {
      const store = {
        certificatesOf: () => [],
        authoritiesOf: () => [authorityPiece('ca', authority.certificate)],
      };
      const probe = probeWith(new ServerContexts(store), new AddressGuard());
      const plain = { address: '127.0.0.1', port: receiver.port, protocol: 'HTTP1', tls: null, guard: null } as const;
      const trust = { hostname: 'shop.example', ca: ['test/ca'], clientCertificate: null };
      const secure = { ...plain, port: receiver.securePort, protocol: 'HTTPS', tls: trust } as const;
      for (const endpoint of [plain, secure]) {
        for (const proxyProtocol of ['V1', 'V2'] as const) {
          assert.equal(await probe({ ...endpoint, proxyProtocol }, { path: '/', timeout: 30_000 }), null);
        }
        assert.notEqual(await probe({ ...endpoint, proxyProtocol: null }, { path: '/', timeout: 30_000 }), null);
      }
    });
  });
}
