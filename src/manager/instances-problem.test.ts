/** What is asked of the solver where instances are to go back to where they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { instanceSeen, workloadSeen } from '../model/fixture/workloads.ts';
import { hostsOf, type Places, type Seen, type WorkloadSeen } from '../model/workloads.ts';
import { appProfile, matrixOf } from './fixture.ts';
import { instancesProblem } from './instances-problem.ts';

function posed(
  wanted: Places | null,
  { ready = ['n1', 'n2', 'n3'], ...more }: Partial<WorkloadSeen> & { readonly ready?: string[] } = {},
) {
  const shop = workloadSeen(
    'shop',
    ['n2', 'n3'].map((host) => instanceSeen(`shop-${host}`, host)),
    more,
  );
  const hosts = ['n1', 'n2', 'n3'].map(
    (node) => [node, { node, memory: 2, pods: 9, isReady: ready.includes(node) }] as const,
  );
  const seen: Seen = { now: 0, hosts: new Map(hosts), workloads: new Map([['shop', shop]]) };
  const spec = {
    ...matrixOf({ shop: { n1: 1, n2: 1, n3: 1 } }),
    apps: [{ name: 'shop', workloadRef: { kind: 'Deployment', name: 'shop' } }] as never,
  };
  const servers = new Map(hosts.map(([name]) => [name, { capacity: { cpu: 1 }, requests: null, quiesced: false }]));
  const profile = { matrix: 'd/m', apps: [appProfile('shop', 10, { cpu: 0.01 })] };
  const { rows } = spec;
  const found = instancesProblem({
    spec,
    rows,
    servers,
    profile,
    usedByOthers: new Map(),
    seen,
    wanted,
    isHeld: () => false,
  });
  assert.ok(found.ok, JSON.stringify(found));
  const [{ minInstances, maxInstances, hosts: on } = { minInstances: 0, maxInstances: 0, hosts: null }] =
    found.problem.workloads;
  assert.deepEqual([...hostsOf(shop).keys()], ['n2', 'n3']);
  return { minInstances, maxInstances, hosts: [...(on ?? [])].toSorted() };
}

const places = (...hosts: string[]): Places => new Map([['shop', new Map(hosts.map((host) => [host, 1]))]]);
const STAYS = { minInstances: 2, maxInstances: 2, hosts: ['n2', 'n3'] };

test('so many as were there, and nowhere else', () => {
  assert.deepEqual(posed(null), { minInstances: 1, maxInstances: 9, hosts: ['n1', 'n2', 'n3'] });
  assert.deepEqual(posed(places('n1', 'n2')), { minInstances: 2, maxInstances: 2, hosts: ['n1', 'n2'] });
  assert.deepEqual(posed(places('n2')), { minInstances: 1, maxInstances: 1, hosts: ['n2'] });
  assert.deepEqual(posed(new Map()), STAYS, 'those of another workload go back');
});

test('where it runs it may be on a node that takes nothing new, and else stays where it is', () => {
  const cordoned = { ready: ['n1', 'n2'] };
  assert.deepEqual(posed(places('n1', 'n3'), cordoned), { minInstances: 2, maxInstances: 2, hosts: ['n1', 'n3'] });
  assert.deepEqual(posed(places('n1', 'n2'), { ready: ['n2', 'n3'] }), STAYS);
  assert.deepEqual(posed(places('n1', 'gone')), STAYS);
});

test('one that is rolled out, or is somebody else’s, stays where it is', () => {
  assert.deepEqual(posed(places('n1'), { isSettled: false }), STAYS);
  assert.deepEqual(posed(places('n1'), { whyNot: { reason: 'ScaledByOthers', message: '' } }), STAYS);
});
