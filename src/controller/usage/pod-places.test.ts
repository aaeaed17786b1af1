import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appWeightMatrixSpec } from '../../api/app-weight-matrix.ts';
import { realServerSpec } from '../../api/real-server.ts';
import { givenMatrices } from '../../learning/given.ts';
import type { EndpointSliceFacts } from '../../translate/cluster-facts.ts';
import { podPlaces } from './pod-places.ts';

/** `name@node`; a `!` behind it: not ready. */
const slice = (...pods: string[]): EndpointSliceFacts => ({
  addressType: 'IPv4',
  ports: [],
  endpoints: pods.map((text) => {
    const [, podName = '', nodeName = '', not = ''] = /^([^@]+)@([^!]+)(!?)$/.exec(text) ?? [];
    return { addresses: [], ready: not === '', serving: true, terminating: false, nodeName, podUid: podName, podName };
  }),
});

function places(
  apps: readonly object[],
  servers: Readonly<Record<string, object>>,
  slices: Readonly<Record<string, EndpointSliceFacts>>,
): string[] {
  const names = apps.map((app) => (app as { name: string }).name);
  const spec = appWeightMatrixSpec.parse({
    apps,
    rows: Object.keys(servers).map((server) => ({ server, weights: names.map((app) => ({ app, weight: 1 })) })),
  });
  const matrices = new Map([['d/m', { spec } as never]]);
  return podPlaces({
    matrices,
    given: givenMatrices(matrices),
    realServers: new Map(
      Object.entries(servers).map(([name, each]) => [`d/${name}`, { spec: realServerSpec.parse(each) } as never]),
    ),
    cluster: {
      slices: new Map(Object.entries(slices).map(([key, each]) => [key, [each]])),
      nodes: new Map(['n1', 'n2'].map((name) => [name, { labels: { zone: 'a', name }, addresses: [], podRanges: [] }])),
    },
  }).map(({ server, workload, pods }) => `${workload} at ${server}: ${pods.join(' ')}`);
}

const app = (name: string, more: object = {}) => ({ name, serviceRef: { name, port: 80 }, ...more });

test('rows on nodes have the ready pods of each app that are there', () => {
  assert.deepEqual(
    places(
      [app('shop'), app('blog')],
      { n1: { nodeName: 'n1' }, rest: { nodeSelector: { name: 'n2' } } },
      { 'd/shop': slice('shop-1@n1', 'shop-2@n2', 'shop-3@n2', 'shop-4@n2!'), 'd/blog': slice('blog-1@n1') },
    ),
    ['shop at d/n1: d/shop-1', 'shop at d/rest: d/shop-2 d/shop-3', 'blog at d/n1: d/blog-1'],
  );
});

test('rows of a Service have its pods; fixed addresses have none', () => {
  assert.deepEqual(
    places(
      [app('shop')],
      { old: { serviceRef: { name: 'old', port: 80 } }, fixed: { address: '10.0.0.1', port: 80 } },
      { 'd/old': slice('old-1@n1'), 'd/shop': slice('shop-1@n1') },
    ),
    ['shop at d/old: d/old-1'],
  );
});

test('classes of one workload share its pods', () => {
  const workloadRef = { kind: 'Deployment', name: 'web' };
  const classes = ['browse', 'pay'].map((name) => ({ name, workloadRef, serviceRef: { name: 'web', port: 80 } }));
  assert.deepEqual(places(classes, { n1: { nodeName: 'n1' } }, { 'd/web': slice('web-1@n1') }), [
    'web at d/n1: d/web-1',
  ]);
});

test('pods that run for two workloads, or in two rows, say nothing of either', () => {
  const both = ['shop', 'blog'].map((name) => ({ name, serviceRef: { name: 'web', port: 80 } }));
  assert.deepEqual(places(both, { n1: { nodeName: 'n1' } }, { 'd/web': slice('web-1@n1') }), []);
  const rows = { n1: { nodeName: 'n1' }, all: { nodeSelector: { zone: 'a' } } };
  assert.deepEqual(places([app('shop')], rows, { 'd/shop': slice('shop-1@n1') }), []);
});

test('what another namespace’s pods use is not asked', () => {
  const far = { name: 'shop', serviceRef: { name: 'shop', namespace: 'other', port: 80 } };
  assert.deepEqual(places([far], { n1: { nodeName: 'n1' } }, { 'other/shop': slice('shop-1@n1') }), []);
});
