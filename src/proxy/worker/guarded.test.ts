import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { PolicyPiece } from '../../model/snapshot.ts';
import { startTestProxy } from '../testing.ts';
import { freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';

const policy = (...cidrs: string[]): PolicyPiece => ({
  kind: 'Policy',
  key: 'cluster/addresses',
  hash: cidrs.join(),
  rules: [{ namespaces: ['test'], cidrs, dnsSuffixes: ['*'] }],
  networks: { nodes: [], pods: [], services: [], apiServer: [] },
});

const LOOPBACK = policy('127.0.0.0/8', '::1/128');

void test('what a policy does not let be reached is not reached, by name or by address, from one policy to the next', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  const byName = realServer('name', 0, {
    endpoints: [{ app: null, endpoints: [{ address: 'localhost', port: web.port }] }],
    guard: 'test',
  });
  const byAddress = realServer('address', web.port, { guard: 'test' });
  const rules = [rule('name', to('name'), { path: { type: 'Exact', value: '/name' } }), rule('address', to('address'))];
  const redirect = { address: '127.0.0.1', port: web.port, guard: 'test' };
  const servers = [byAddress, byName, virtualServer(port, { rules, redirect })];
  const proxy = await startTestProxy({ pieces: servers });
  t.after(() => proxy.close());
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  const both = async () => [await ask('/name'), await ask('/address')];

  assert.deepEqual(await both(), [502, 502]);
  await proxy.configure([policy('0.0.0.0/0', '::/0'), ...servers]);
  assert.deepEqual(await both(), [502, 502]);
  assert.equal(web.requests.length, 0);
  await proxy.configure([LOOPBACK, ...servers]);
  assert.deepEqual(await both(), [200, 200]);
  // Connections are kept idle now; under the next policy they are not used again.
  const before = web.requests.length;
  await proxy.configure([policy('0.0.0.0/0', '::/0'), ...servers]);
  assert.deepEqual(await both(), [502, 502]);
  assert.equal(web.requests.length, before);
});
