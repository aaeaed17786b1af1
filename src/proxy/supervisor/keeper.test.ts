import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { freePort } from '../main/fixture/support.ts';
import { adoptDescriptor, bindAddress, type BoundHandle } from './bind.ts';
import type { InheritedSockets } from './inherited.ts';
import { DescriptorKeeper } from './keeper.ts';

const nothing: InheritedSockets = { names: [], take: () => null };

const keeperWith = (t: TestContext, inherited = nothing) => {
  const keeper = new DescriptorKeeper<string>(inherited);
  t.after(() => keeper.close());
  return keeper;
};

const closed = (handle: BoundHandle) => handle.getsockname!({}) !== 0;
const turn = () =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('a socket is bound once, and closed when its last holder releases it', async (t) => {
  const keeper = keeperWith(t);
  const where = { address: '127.0.0.1', port: await freePort() };
  const [a, b] = await Promise.all([keeper.bind(where, 'old'), keeper.bind(where, 'new')]);
  assert.equal(a, b);
  await keeper.release(where, 'old');
  await turn();
  assert.equal(closed(a), false);
  await keeper.release(where, 'new');
  await turn();
  assert.equal(closed(a), true);
});

test('what a dead holder had is kept for the next one, until a sweep', async (t) => {
  const keeper = keeperWith(t);
  const where = { address: '127.0.0.1', port: await freePort() };
  const handle = await keeper.bind(where, 'dead');
  keeper.forget('dead');
  assert.equal(await keeper.bind(where, 'next'), handle);
  keeper.sweep();
  await turn();
  assert.equal(closed(handle), false);
  keeper.forget('next');
  keeper.sweep();
  await turn();
  assert.equal(closed(handle), true);
});

test('after a failure it is tried anew', async (t) => {
  const keeper = keeperWith(t);
  const where = { address: '192.0.2.1', port: 80 };
  await assert.rejects(keeper.bind(where, 'a'), /no such address/);
  await assert.rejects(keeper.bind(where, 'a'), /no such address/);
});

test('inherited sockets are never closed', async (t) => {
  const own = bindAddress('127.0.0.1', 0);
  t.after(() => own.close());
  const keeper = keeperWith(t, { names: [], take: () => own });
  const where = { address: '127.0.0.1', port: 80 };
  assert.equal(await keeper.bind(where, 'a'), own);
  await keeper.release(where, 'a');
  await turn();
  assert.equal(closed(own), false);
  assert.equal(adoptDescriptor(999_999), null);
});
