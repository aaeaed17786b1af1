/** Sessions, and who has to show a certificate. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import https from 'node:https';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

import { newTicketKey } from '../../tls/ticket-keys.ts';
import { authorityPiece, certificatePiece } from './fixture.ts';
import { until } from './in-process.ts';
import {
  authority,
  client,
  clientOptions,
  failures,
  get,
  keyAndCertificate,
  other,
  secureServer,
  stage,
} from './tls-stage.ts';

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

  test('that is over is refused, also where its session could be resumed', async (t) => {
    const { port, proxy } = await stage(t, mutual);
    // Certificates count in whole seconds.
    const notAfter = new Date(1000 * Math.ceil(Date.now() / 1000) + 2000);
    const short = keyAndCertificate(authority.issue({ names: ['client.example'], notAfter }));
    const session = await sessionOf(port, short);
    const resumed = await get(port, '/', { ...short, session });
    assert.deepEqual([resumed.status, resumed.socket.isSessionReused()], [200, true]);
    while (Date.now() <= notAfter.getTime() + 1000) await sleep(100);
    await refused(port, { ...short, session });
    await failures(proxy, 'client_certificate', 1);
  });

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

/** The session as a client has it that does not care whose it is; Node's own remembers the name in front of it. */
function bare(session: Buffer, name: string): Buffer {
  return session.subarray(session.indexOf(name) + name.length);
}
