import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { givenOf } from './given.ts';

test('what an object says of its apps: servers by weights, workloads by reference or name, cost in numbers', () => {
  const spec = appWeightMatrixSpec.parse({
    apps: [
      { name: 'shop', demand: { rate: '12.5' }, profile: { cpu: '8m' } },
      { name: 'list', workloadRef: { kind: 'Deployment', name: 'pages' } },
      { name: 'item', workloadRef: { kind: 'Deployment', name: 'pages' } },
      { name: 'idle' },
    ],
    rows: [
      { server: 'web1', weights: ['shop', 'list', 'item'].map((app) => ({ app, weight: 1 })) },
      { server: 'web2', weights: ['shop', 'list', 'item'].map((app) => ({ app, weight: 2 })) },
    ],
    placement: { interval: '2m' },
  });
  const given = givenOf('a/m', spec);
  const both = ['a/web1', 'a/web2'];
  assert.deepEqual(given, {
    matrix: 'a/m',
    interval: 120,
    apps: [
      { app: 'shop', servers: both, rate: 12.5, cost: { cpu: 0.008 } },
      { app: 'list', servers: both, rate: null, cost: {} },
      { app: 'item', servers: both, rate: null, cost: {} },
      { app: 'idle', servers: [], rate: null, cost: {} },
    ],
    workloads: [
      { workload: 'shop', apps: ['shop'], servers: both },
      { workload: 'pages', apps: ['list', 'item'], servers: both },
      { workload: 'idle', apps: ['idle'], servers: [] },
    ],
  });
  const [shop, list] = given.apps;
  assert.equal(shop!.servers, list!.servers, 'one list for all that are on the same servers');
});
