import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { countedCell } from '../learning/fixture.ts';
import { ProfileBook } from '../learning/profile-book.ts';
import type { CountsDocument } from '../model/counts.ts';
import { ClusterProfiles } from './cluster-profiles.ts';

const spec = appWeightMatrixSpec.parse({
  apps: [{ name: 'shop' }],
  rows: [{ server: 'web1', weights: [{ app: 'shop', weight: 1 }] }],
});

const counts = (requests: number): CountsDocument => ({
  rows: [
    {
      id: 'matrix shop/m shop',
      epoch: 1,
      cells: [countedCell('shop/web1', 'shop', requests, { seconds: 0.25 })],
    },
  ],
  endpoints: [],
});

function scene() {
  const state = { now: 1e12, matrices: new Map([['shop/m', { spec }]]) };
  const replicas = new Map<string, { readonly counts: CountsDocument }>();
  const profiles = new ClusterProfiles({
    replicas: () => replicas,
    matrices: () => state.matrices as never,
    book: new ProfileBook(),
    podMetrics: null,
    now: () => state.now,
  });
  const look = (reported: Readonly<Record<string, number>>) => {
    for (const [uid, requests] of Object.entries(reported)) replicas.set(uid, { counts: counts(requests) });
    state.now += 1000;
    profiles.look();
  };
  const shop = () => profiles.profiles().matrices[0]!.apps[0]!;
  return { state, replicas, look, shop, profiles };
}

test('demand is that of all proxies together', () => {
  const { look, shop } = scene();
  for (let second = 0; second < 120; second++) look({ p1: 1000 + 30 * second, p2: 9000 + 20 * second });
  assert.ok(Math.abs(shop().demand.value - 50) < 0.1, `${shop().demand.value}`);
  assert.equal(shop().seconds!.value, 0.25);
  assert.equal(shop().concurrency, null, 'a proxy knows only what it sent itself');
});

test('a proxy that is new, starts anew or goes away adds nothing that was not asked for', () => {
  const { look, shop, replicas } = scene();
  let p2 = 500_000;
  for (let second = 0; second < 120; second++) {
    // At 60 it is a process that began a second ago; at 90 it is gone.
    if (second === 60) p2 = 0;
    p2 += 10;
    if (second === 90) replicas.delete('p2');
    look(second < 30 || second >= 90 ? { p1: 10 * second } : { p1: 10 * second, p2 });
    assert.ok(shop().demand.value < 20.1, `second ${second}: ${shop().demand.value}`);
  }
});

test('without requests demand falls, and what no object names is not shown', () => {
  const { look, shop, state, profiles } = scene();
  for (let second = 0; second < 60; second++) look({ p1: 10 * second });
  const before = shop().demand.value;
  for (let second = 0; second < 60; second++) look({});
  assert.ok(shop().demand.value < before / 2);
  state.matrices = new Map();
  assert.deepEqual(profiles.profiles().matrices, []);
});
