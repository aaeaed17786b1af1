import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { ReplicaState } from '../delivery/contract.ts';
import { countedCell, observeSamples } from '../learning/fixture.ts';
import { ProfileBook } from '../learning/profile-book.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { SampledWindow } from '../model/samples.ts';
import { seededRandom } from '../placement/random.ts';
import { createLogger } from '../telemetry/log.ts';
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

/** With a peak at ten. */
const throughput = (n: number) => n / (0.25 * (1 + (n / 10) ** 2));

function scene() {
  const state = { now: 1e12, matrices: new Map([['shop/m', { spec }]]) };
  const replicas = new Map<string, Pick<ReplicaState, 'counts' | 'programmed' | 'samples' | 'behind'>>();
  const told: ReadonlyMap<string, number>[] = [];
  const profiles = new ClusterProfiles({
    replicas: () => replicas,
    matrices: () => state.matrices as never,
    book: new ProfileBook(),
    podMetrics: null,
    log: createLogger({ level: 'silent' }),
    onPriors: (priors) => told.push(priors),
    now: () => state.now,
  });
  const look = (reported: Readonly<Record<string, number>>, samples: Readonly<Record<string, SampledWindow>> = {}) => {
    for (const [uid, requests] of Object.entries(reported)) {
      const window = samples[uid];
      replicas.set(uid, {
        counts: counts(requests),
        programmed: { snapshot: '', listeners: [] },
        samples: window === undefined ? [] : [window],
        behind: 0,
      });
    }
    state.now += 1000;
    profiles.look();
  };
  const shop = () => profiles.profiles().matrices[0]!.apps[0]!;
  return { state, replicas, look, shop, profiles, told };
}

test('demand is that of all proxies together', () => {
  const { look, shop } = scene();
  for (let second = 0; second < 120; second++) look({ p1: 1000 + 30 * second, p2: 9000 + 20 * second });
  assert.ok(Math.abs(shop().demand.value - 50) < 0.1, `${shop().demand.value}`);
  assert.equal(shop().seconds!.value, 0.25);
  assert.equal(shop().concurrency, null);
});

test('how many requests are in flight at once is known where all proxies have looked at the same time', () => {
  const { look, shop, told } = scene();
  const truth = { rate: 18, most: 20, throughput };
  let second = 0;
  const looks = (random: () => number, isWhole: boolean) => {
    for (const [p1, p2] of observeSamples(truth, { proxies: 2, windows: 600 }, random)) {
      second++;
      const numbered = (window: SampledWindow) => ({ ...window, number: second });
      look(
        { p1: 10 * second, p2: 8 * second },
        isWhole ? { p1: numbered(p1!), p2: numbered(p2!) } : { p1: numbered(p1!) },
      );
    }
  };
  looks(seededRandom(1), false);
  assert.equal(shop().concurrency, null, 'a proxy knows only what it sent itself');
  looks(seededRandom(1), true);
  const { limit, peaked } = shop().concurrency!;
  assert.ok(peaked && Math.abs(limit.value / 10 - 1) < 0.25, `${limit.value}`);
  const prior = told.at(-1)!.get('matrix shop/m shop\nshop/web1')!;
  assert.ok(Math.abs(prior / 10 - 1) < 0.25, 'adaptive limits begin there');
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
