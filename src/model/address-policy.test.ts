import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AddressPolicy, type ClusterNetworks, matchesNamespace, reservedForHosts } from './address-policy.ts';
import { HIDDEN } from './fixture/hidden-addresses.ts';

const none: ClusterNetworks = { nodes: [], pods: [], services: [], apiServer: [], proxy: [] };
const own: ClusterNetworks = {
  nodes: ['10.0.0.1', 'fd00:1::1'],
  pods: ['10.244.1.0/24'],
  services: ['10.96.0.0/12'],
  apiServer: ['10.96.0.1', '192.0.2.1'],
  proxy: ['10.99.0.9'],
};
const rule = (more: Partial<ConstructorParameters<typeof AddressPolicy>[0][number]>) => ({
  namespaces: ['*'],
  cidrs: [],
  dnsSuffixes: [],
  ...more,
});
/** As wide as an operator can make it. */
const wide = [rule({ cidrs: ['0.0.0.0/0', '::/0'], dnsSuffixes: ['*'] })];

void test('what is hidden is found, however it is written, and no wide network lets it in', () => {
  assert.ok(HIDDEN.length >= 80);
  const policy = new AddressPolicy(wide, none);
  for (const text of HIDDEN) {
    const verdict = policy.judgeGiven('shop', text);
    assert.equal(verdict.ok, false, text);
    assert.match(verdict.ok ? '' : verdict.why, /belongs to/, text);
  }
});

void test('the same is found among the addresses of a name, and in EndpointSlices', () => {
  const policy = new AddressPolicy(wide, none);
  for (const text of ['127.0.0.1', '::1', '169.254.169.254', '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'fe80::1%eth0']) {
    assert.notEqual(policy.judgeFound('shop', text), null, text);
    assert.notEqual(reservedForHosts(text), null, text);
  }
  for (const text of ['10.0.0.11', '192.0.2.1', '2001:db8::1', 'fd00::1']) {
    assert.equal(policy.judgeFound('shop', text), null, text);
    assert.equal(reservedForHosts(text), null, text);
  }
});

void test('what belongs to the cluster is not meant by a network that holds other things, too', () => {
  const policy = new AddressPolicy(wide, own);
  for (const address of ['10.0.0.1', 'fd00:1::1', '10.244.1.7', '10.96.0.1', '10.100.0.1', '192.0.2.1', '10.99.0.9']) {
    assert.equal(policy.judgeGiven('shop', address).ok, false, address);
    assert.notEqual(policy.judgeFound('shop', address), null, address);
  }
  assert.deepEqual(policy.judgeGiven('shop', '10.0.0.2'), { ok: true, host: '10.0.0.2' });
});

void test('a network within the reserved one is what an operator means who writes it', () => {
  const cidrs = ['127.0.0.0/8', '169.254.1.0/24', '10.0.0.1/32', '10.96.0.0/16', 'fe80::/64'];
  const policy = new AddressPolicy([rule({ cidrs })], own);
  const ok = (host: string) => policy.judgeGiven('shop', host).ok;
  assert.deepEqual(
    ['127.0.0.1', '0x7f.1', '169.254.1.1', '10.0.0.1', '10.96.3.1', 'fe80::1'].map(ok),
    Array(6).fill(true),
  );
  // 10.96.0.1 is the API server's besides: that takes its own cidr. 169.254.169.254 lies beside what is allowed.
  assert.deepEqual(['10.96.0.1', '169.254.169.254', 'fe80:1::1'].map(ok), Array(3).fill(false));
});

void test('a namespace has what the rules give it, and all others nothing', () => {
  const rules = [
    rule({ namespaces: ['shop'], cidrs: ['10.0.0.0/8'] }),
    rule({ namespaces: ['team-*', 'shop'], dnsSuffixes: ['legacy.example', '*.Wild.example'] }),
  ];
  const policy = new AddressPolicy(rules, none);
  const judge = (namespace: string, host: string) => policy.judgeGiven(namespace, host);
  assert.deepEqual(judge('shop', '0xa00000b'), { ok: true, host: '10.0.0.11' });
  assert.deepEqual(judge('team-a', 'db.legacy.example.'), { ok: true, host: 'db.legacy.example.' });
  assert.deepEqual(judge('team-a', 'LEGACY.example'), { ok: true, host: 'LEGACY.example' });
  assert.deepEqual(judge('team-a', 'a.wild.example'), { ok: true, host: 'a.wild.example' });
  assert.deepEqual(judge('team-a', '10.0.0.11'), {
    ok: false,
    why: 'addressPolicy gives namespace team-a no network with the address 10.0.0.11',
  });
  assert.deepEqual(judge('shop', 'notlegacy.example'), {
    ok: false,
    why: 'addressPolicy gives namespace shop no dnsSuffix for the name notlegacy.example',
  });
  assert.equal(judge('teams', 'db.legacy.example').ok, false);
  assert.ok(matchesNamespace(['*'], 'any'));
});

void test('messages say whose the address is', () => {
  const policy = new AddressPolicy(wide, own);
  const why = (host: string) => {
    const verdict = policy.judgeGiven('shop', host);
    return verdict.ok ? '' : verdict.why.split(';')[0];
  };
  assert.equal(why('0x7f.1'), '0x7f.1 (127.0.0.1) belongs to the loopback network');
  assert.equal(
    why('64:ff9b::a9fe:a9fe'),
    '64:ff9b::a9fe:a9fe carries 169.254.169.254, which belongs to the link-local network, where clouds keep their metadata',
  );
  assert.equal(why('10.0.0.1'), '10.0.0.1 belongs to a node of the cluster');
});
