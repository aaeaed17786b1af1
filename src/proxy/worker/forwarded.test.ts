import assert from 'node:assert/strict';
import { it } from 'node:test';

import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';
import { TrustedPeers, plainAddress } from './peers.ts';

const claimed = {
  'X-Forwarded-For': '203.0.113.7',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Prefix': '/x',
  'X-Real-IP': '203.0.113.7',
  Forwarded: 'for=203.0.113.7',
};

for (const trusted of [false, true]) {
  it(`what a ${trusted ? 'trusted' : 'stranger'} peer says of others is ${trusted ? 'kept, and the peer added' : 'dropped'}`, async () => {
    const web = await origin('web');
    const port = await freePort();
    const proxy = await startTestProxy({
      pieces: [realServer('web', web.port), virtualServer(port, { rules: [rule('all', to('web'))] })],
      settings: { trustedProxies: trusted ? ['127.0.0.0/8'] : [] },
    });
    await ask(port, '/', { headers: claimed });
    const { headers } = web.requests[0]!;
    assert.equal(headers['x-forwarded-for'], trusted ? '203.0.113.7, 127.0.0.1' : '127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], trusted ? 'https' : 'http');
    assert.equal(headers['x-forwarded-prefix'], trusted ? '/x' : undefined);
    assert.equal(headers['x-real-ip'], trusted ? '203.0.113.7' : undefined);
    assert.equal(headers.forwarded, trusted ? 'for=203.0.113.7, for=127.0.0.1' : 'for=127.0.0.1;proto=http');
    await proxy.close();
    web.close();
  });
}

it('TrustedPeers takes addresses and networks, and names what is neither', () => {
  const peers = new TrustedPeers(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']);
  for (const inside of ['10.1.2.3', '192.0.2.1', '2001:db8::1']) assert.ok(peers.has(inside), inside);
  for (const outside of ['11.0.0.1', '192.0.2.2', '2001:db9::1', 'nonsense', ''])
    assert.ok(!peers.has(outside), outside);
  assert.ok(!new TrustedPeers([]).has('127.0.0.1'));
  for (const bad of ['10.0.0.0/33', '10.0.0', 'host', '::1/129', '10.0.0.0/x'])
    assert.throws(() => new TrustedPeers([bad]), { message: new RegExp(`read '${bad}'`) });
});

it('an IPv4 client of an IPv6 listener has an IPv4 address', () => {
  assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(plainAddress('::1'), '::1');
});
