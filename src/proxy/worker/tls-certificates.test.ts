/** Which certificate, version and cipher a client gets. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { describe, test } from 'node:test';
import tls from 'node:tls';

import { certificatePiece } from './fixture.ts';
import { authority, connected, failures, get, other, secureServer, stage } from './tls-stage.ts';

const namesShown = async (port: number, servername: string) => {
  const socket = await connected(port, { servername, rejectUnauthorized: false });
  const text = socket.getPeerCertificate().subjectaltname;
  socket.destroy();
  return text;
};

describe('certificates', () => {
  test('by name: exact before wildcard, the first where none fits or none is named', async (t) => {
    const first = authority.issue({ names: ['first.example'] });
    const exact = authority.issue({ names: ['www.shop.example'] });
    const { port } = await stage(t, (at) => [
      certificatePiece('first', first),
      certificatePiece('exact', exact),
      secureServer(at, { tls: { certificates: ['test/first', 'test/shop', 'test/exact'] } }),
    ]);
    const shown = (servername: string) => namesShown(port, servername);
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
    const shown = (servername: string) => namesShown(port, servername);
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

  test('protocols: h2 and http/1.1, and nothing else that a client insists on', async (t) => {
    const { port, proxy } = await stage(t);
    const socket = await connected(port, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'h2');
    socket.destroy();
    await assert.rejects(connected(port, { ALPNProtocols: ['imap'] }), /no application protocol/);
    await failures(proxy, 'no_overlap', 1);
  });
});
