import assert from 'node:assert/strict';
import type dns from 'node:dns';
import { once } from 'node:events';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { test, type TestContext } from 'node:test';

import type { PolicyPiece } from '../model/snapshot.ts';
import { AddressGuard, FORBIDDEN } from './address-guard.ts';

const NETWORKS = { nodes: [], pods: [], services: [], apiServer: [] };

const policy = (...cidrs: string[]): PolicyPiece => ({
  kind: 'Policy',
  key: 'cluster/addresses',
  hash: cidrs.join(),
  rules: [{ namespaces: ['shop'], cidrs, dnsSuffixes: ['*'] }],
  networks: NETWORKS,
});

/** A resolver that answers always the same. */
const answering = (...addresses: string[]): typeof dns.lookup =>
  ((_: string, __: unknown, callback: (error: null, found: dns.LookupAddress[]) => void) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    process.nextTick(callback, null, found);
  }) as typeof dns.lookup;

const connect = async (guard: AddressGuard, address: string, port: number, as: string | null = 'shop') => {
  const socket = net.connect(guard.connectTo({ address, port, guard: as }));
  try {
    await once(socket, 'connect');
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
  }
};

const listen = async (t: TestContext): Promise<number> => {
  const server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as net.AddressInfo).port;
};

void test('a name is connected to only at an address that the policy allows', async (t) => {
  const port = await listen(t);
  const guard = new AddressGuard(null, answering('127.0.0.1'));
  assert.equal(await connect(guard, 'web.example', port), FORBIDDEN);
  assert.equal(guard.set(policy('0.0.0.0/0')), true);
  assert.equal(await connect(guard, 'web.example', port), FORBIDDEN);
  guard.set(policy('127.0.0.0/8'));
  assert.equal(await connect(guard, 'web.example', port), 'connected');
  assert.equal(await connect(guard, 'web.example', port, 'other'), FORBIDDEN);
  assert.equal(guard.set(policy('127.0.0.0/8')), false);
  guard.set(null);
  assert.equal(await connect(guard, 'web.example', port), FORBIDDEN);
  // Standalone it is the operator who wrote it.
  assert.equal(await connect(guard, 'localhost', port, null), 'connected');
});

void test('of several addresses those are tried that are allowed', async (t) => {
  const port = await listen(t);
  const guard = new AddressGuard(null, answering('169.254.169.254', '127.0.0.1', '::ffff:169.254.169.254'));
  guard.set(policy('127.0.0.0/8'));
  assert.equal(await connect(guard, 'web.example', port), 'connected');
  guard.set(policy('10.0.0.0/8'));
  assert.equal(await connect(guard, 'web.example', port), FORBIDDEN);
});

void test('addresses are judged, too: the proxy’s own are in no policy that does not name them', async (t) => {
  const port = await listen(t);
  const guard = new AddressGuard();
  guard.set(policy('127.0.0.0/8'));
  assert.equal(await connect(guard, '127.0.0.1', port), 'connected');
  guard.set(policy('0.0.0.0/0', '::/0'));
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  for (const { address } of own) assert.equal(await connect(guard, address.replace(/%.*/, ''), port), FORBIDDEN);
  assert.ok(own.length > 0);
});

void test('the own admin API is nobody’s endpoint, however it is named', async (t) => {
  const port = await listen(t);
  const names = ['localhost', '127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0', '::'];
  for (const address of ['127.0.0.1', '::', '0.0.0.0']) {
    const guard = new AddressGuard({ address, port }, answering('127.0.0.1'));
    for (const name of names) assert.equal(await connect(guard, name, port, null), FORBIDDEN, `${name} at ${address}`);
  }
  // Another port, or another address, is another's.
  const others = [
    { address: '127.0.0.1', port: port - 1 },
    { address: '127.0.0.9', port },
  ];
  for (const admin of others)
    assert.equal(await connect(new AddressGuard(admin), '127.0.0.1', port, null), 'connected');
});
