import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

import { appWeightMatrixSpec } from '../../api/app-weight-matrix.ts';
import type { RealServer } from '../../api/parse.ts';
import { realServerSpec } from '../../api/real-server.ts';
import type { CellCounts, CountsDocument } from '../../model/counts.ts';
import type { DeploymentFacts, PodFacts } from '../facts/workloads.ts';
import { clusterServed } from './cluster-served.ts';
import { type ClusterViews, reservedCores, seenCluster } from './seen-cluster.ts';

const workloadRef = { kind: 'Deployment', name: 'web' };
const spec = appWeightMatrixSpec.parse({
  mode: 'Auto',
  apps: [
    { name: 'shop', workloadRef, minInstances: 1, maxInstances: 5, startSeconds: 20 },
    { name: 'search', workloadRef, maxInstances: 4 },
  ],
  rows: [{ server: 'web1' }, { server: 'web2', weights: [{ app: 'search', weight: 0 }] }, { server: 'fixed' }],
  placement: { actuate: 'Manage' },
});

const realServer = (name: string, of: object): [string, RealServer] => [
  `d/${name}`,
  {
    apiVersion: 'tcpvs.io/v1alpha1',
    kind: 'RealServer',
    metadata: { name, namespace: 'd' },
    spec: realServerSpec.parse(of),
  },
];

const pod = (workload: string | null, node: string | null, more: Partial<PodFacts> = {}): PodFacts => ({
  uid: '',
  resourceVersion: '',
  workload,
  version: 'v1',
  node,
  addresses: [],
  wish: null,
  gate: null,
  isReady: node !== null,
  isGoing: false,
  cost: null,
  memory: 10,
  cpu: 0.5,
  affinity: 'None',
  ...more,
});

const deployment: DeploymentFacts = { replicas: 2, memory: 10, isSettled: true, owners: [] };

const views = (more: Partial<ClusterViews> = {}): ClusterViews => ({
  deployments: new Map([['d/web', deployment]]),
  pods: new Map([
    ['d/web-1', pod('web', 'n1')],
    ['d/web-2', pod('web', null, { gate: 0, wish: 'n2', isReady: false })],
    ['d/other', pod('bank', 'n1')],
    ['e/web-1', pod('web', 'n2', { memory: 30 })],
    ['d/web-3', pod('web', 'n9')],
  ]),
  scalers: new Map(),
  managers: new Map([['d/web', 'd/m']]),
  nodes: new Map(['n1', 'n2', 'n9'].map((name) => [name, { memory: 100, pods: 10, isReady: true }])),
  realServers: new Map([
    realServer('web1', { nodeName: 'n1' }),
    realServer('web2', { nodeName: 'n2' }),
    realServer('fixed', { address: '10.0.0.1', port: 80 }),
  ]),
  ...more,
});

const whyNot = (more: Partial<ClusterViews>) =>
  seenCluster('d/m', spec, views(more), 'us').workloads.get('web')?.whyNot;

describe('what is seen of a matrix in a cluster', () => {
  it('are rows that are nodes, with what other pods leave of them, and the instances of its workloads', () => {
    const { hosts, workloads } = seenCluster('d/m', spec, views(), 'us');
    assert.deepEqual(Object.fromEntries(hosts), {
      web1: { node: 'n1', memory: 90, pods: 9, isReady: true },
      web2: { node: 'n2', memory: 70, pods: 9, isReady: true },
    });
    const { instances, ...web } = workloads.get('web')!;
    assert.deepEqual(web, {
      name: 'web',
      replicas: 2,
      // The most that one of its apps asks for: 2 where nothing is said; and the fewest that one of them allows.
      least: 2,
      most: 4,
      memory: 10,
      notOn: new Set(['web2']),
      startSeconds: 20,
      isSettled: true,
      whyNot: null,
    });
    assert.deepEqual(
      instances.map(({ pod: name, host, wish, isGated }) => [name, host, wish, isGated]),
      [
        ['web-1', 'web1', null, false],
        ['web-2', null, 'web2', true],
        ['web-3', null, null, false],
      ],
    );
  });

  it('says what is not ours to change, and what to do about it', () => {
    assert.match(whyNot({ deployments: new Map() })!.message, /Deployment d\/web does not exist/);
    const scalers = new Map([['d/hpa', 'Deployment/web']]);
    assert.deepEqual(whyNot({ scalers }), {
      reason: 'ScaledByOthers',
      message: 'HorizontalPodAutoscaler d/hpa scales Deployment d/web: delete one of the two',
    });
    assert.equal(whyNot({ scalers: new Map([['e/hpa', 'Deployment/web']]) }), null);
    const owned = (owners: string[]) => ({ deployments: new Map([['d/web', { ...deployment, owners }]]) });
    assert.match(whyNot(owned(['us', 'flux']))!.message, /belongs to the field manager flux: leave it out of/);
    assert.equal(whyNot(owned(['us'])), null);
    assert.match(
      whyNot({ managers: new Map([['d/web', 'd/older']]) })!.message,
      /Deployment d\/web is managed by the older AppWeightMatrix d\/older: name it in one/,
    );
    const bare = { deployments: new Map([['d/web', { ...deployment, memory: null }]]) };
    assert.equal(whyNot(bare)?.reason, 'WorkloadUnfit');
  });

  it('of a StatefulSet nothing is managed', () => {
    const apps = [{ name: 'shop', workloadRef: { ...workloadRef, kind: 'StatefulSet' } }];
    const of = appWeightMatrixSpec.parse({ apps, placement: { actuate: 'Manage' } });
    assert.match(
      seenCluster('d/m', of, views(), 'us').workloads.get('web')!.whyNot!.message,
      /^StatefulSet d\/web: only/,
    );
  });
});

const counts = (weights: Readonly<Record<string, number>>, active = 0): CountsDocument => ({
  rows: Object.entries(weights).map(([app, weight]) => ({
    id: `matrix d/m ${app}`,
    epoch: 1,
    cells: [{ server: 'd/web1', app, weight } as CellCounts],
  })),
  endpoints: [
    { server: 'd/web1', address: '10.0.0.1', port: 80, active, available: true, down: [] },
    { server: 'd/web1', address: '10.0.0.9', port: 80, active: 100, available: true, down: [] },
  ],
});

const servedBy = (...proxies: (CountsDocument | null)[]) =>
  clusterServed('d/m', spec, proxies, () => new Set(['10.0.0.1']));

describe('what proxies say of a workload on a host', () => {
  it('is quiesced where all of them have all of its columns at 0', () => {
    const zero = counts({ shop: 0, search: 0 });
    assert.equal(servedBy(zero, zero).isQuiesced('web1', 'web'), true);
    for (const served of [
      servedBy(zero, counts({ shop: 0, search: 1 })),
      servedBy(zero, null),
      servedBy(),
      servedBy(counts({ shop: 0 })),
    ]) {
      assert.equal(served.isQuiesced('web1', 'web'), false);
    }
  });

  it('has in flight what its own pods have', () => {
    assert.equal(servedBy(counts({}, 2), counts({}, 3)).inFlight('web1', 'web'), 5);
    assert.equal(servedBy(counts({}, 2), null).inFlight('web1', 'web'), null);
  });
});

test('cores are reserved by pods that are none of the namespace’s workloads, and by all of other namespaces', () => {
  const matrices = new Map([['d/m', { spec } as never]]);
  const { pods } = views();
  const more = new Map([...pods, ['k/agent-1', pod(null, 'n2', { cpu: 0.25 })], ['d/lost', pod(null, null)]]);
  assert.deepEqual(Object.fromEntries(reservedCores('d/', more, matrices)), { n1: 0.5, n2: 0.75 });
  assert.deepEqual(Object.fromEntries(reservedCores('e/', new Map([['e/web-1', pod('web', 'n2')]]), matrices)), {
    n2: 0.5,
  });
});
