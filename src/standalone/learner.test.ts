import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { observe } from '../learning/fixture.ts';
import { keptBook, type KeptBook } from '../learning/kept-book.ts';
import { ProfileBook } from '../learning/profile-book.ts';
import type { CountsDocument } from '../model/counts.ts';
import { withShares } from '../model/shares.ts';
import { seededRandom } from '../placement/random.ts';
import { Learner } from './learner.ts';

const spec = appWeightMatrixSpec.parse({
  apps: [{ name: 'shop' }],
  rows: [{ server: 'web1', weights: [{ app: 'shop', weight: 1 }] }],
});

/** A second a look; in each, `requests` were answered, which took 20 ms of a processor each. */
function scene(more: { kept?: unknown } = {}) {
  const reported: string[] = [];
  const written: KeptBook[] = [];
  const priors: ReadonlyMap<string, number>[] = [];
  const asked: ReadonlySet<string>[] = [];
  const state = { now: 1e12, requests: 0, failing: false, taken: 0 };
  const counts = (): CountsDocument => ({
    rows: [
      {
        id: 'matrix default/m shop',
        epoch: 1,
        cells: withShares([
          {
            server: 'default/web1',
            app: 'shop',
            weight: 1,
            available: true,
            epochRequests: 0,
            requests: state.requests,
            retries: 0,
            sticky: 0,
            failures: 0,
            work: { answered: state.requests, seconds: state.requests / 10, timeouts: 0, shed: 0 },
          },
        ]),
      },
    ],
    endpoints: [],
  });
  const learner = new Learner({
    serving: {
      countsInSlices: async () => {
        if (state.failing) throw new Error('no worker');
        return counts();
      },
      takeLevels: async (rows) => {
        asked.push(rows);
        return [];
      },
      setPriors: (known) => void priors.push(known),
    },
    matrices: () => new Map([['default/m', { spec }]]) as never,
    usage: async () => {
      const cpu = (state.requests - state.taken) * 0.02;
      state.taken = state.requests;
      return new Map([['default/m', [{ server: 'default/web1', workload: 'shop', seconds: 5, amounts: { cpu } }]]]);
    },
    keep: async (book) => void written.push(book),
    kept: more.kept ?? null,
    report: (message) => reported.push(message),
    now: () => state.now,
  });
  const look = async (requests: number) => {
    state.now += 1000;
    state.requests += requests;
    await learner.look();
  };
  return { learner, reported, written, priors, asked, state, look };
}

const shopOf = (learner: Learner) => learner.profiles().matrices[0]!.apps[0]!;

test('looks become windows: demand and response times by the second, costs by five of them', async () => {
  const { learner, look, asked } = scene();
  await look(1000);
  assert.deepEqual(asked, [new Set()], 'thousands of rows that are idle are not gone through');
  assert.equal(shopOf(learner).demand.source, 'default', 'the first look only says where counting begins');
  for (let second = 0; second < 200; second++) await look(30 + 20 * (second % 3));
  const { demand, seconds, cost } = shopOf(learner);
  assert.ok(Math.abs(demand.value - 50) < 1, `${demand.value}`);
  assert.ok(Math.abs(seconds!.value - 0.1) < 1e-9);
  assert.ok(Math.abs(cost['cpu']!.value - 0.02) < 1e-4, `${cost['cpu']!.value}`);
});

test('it is written every minute and at the end; a look that fails is said, and the next one goes on', async () => {
  const { learner, look, written, reported, state } = scene();
  for (let second = 0; second < 61; second++) await look(10);
  assert.equal(written.length, 1);
  state.failing = true;
  await look(10);
  assert.match(reported[0] ?? '', /not learned from this window: no worker/);
  state.failing = false;
  await look(10);
  // What was counted meanwhile is of the longer window.
  assert.ok(Math.abs(shopOf(learner).demand.value - 10) < 0.01);
  await learner.close({ keep: true });
  assert.equal(written.length, 2);
  const again = scene({ kept: JSON.parse(JSON.stringify(written[1])) });
  assert.equal(shopOf(again.learner).demand.count, shopOf(learner).demand.count);
  await again.learner.close({ keep: false });
  assert.equal(again.written.length, 0, 'somebody else has taken over');
});

test('limits begin where throughput was known to peak before', async () => {
  const book = new ProfileBook();
  const truth = { rate: 550, most: 40, throughput: (n: number) => n / (0.01 + 4e-5 * n * n) };
  const levels = observe(truth, 60_000, seededRandom(2));
  const cell = { server: 'default/web1', arrivals: 9, answered: 9, seconds: 1, failures: 0, timeouts: 0, levels };
  book.add([{ ...cell, matrix: 'default/m', app: 'shop' }], 1, 1e12, () => 60);
  const { learner, priors, look } = scene({ kept: JSON.parse(JSON.stringify(keptBook(book))) });
  learner.start();
  const limit = priors[0]?.get('matrix default/m shop\ndefault/web1') ?? 0;
  assert.ok(Math.abs(limit / Math.sqrt(0.01 / 4e-5) - 1) < 0.15, `${limit}`);
  await learner.close({ keep: false });
  for (let second = 0; second < 61; second++) await look(1);
  assert.ok(priors.length >= 2, 'and once a minute what is known since');
});

test('what cannot be understood of what was kept is said, and it begins anew', () => {
  const kept = { ...keptBook(new ProfileBook()), matrices: 'all' };
  const { learner, reported } = scene({ kept });
  assert.match(reported[0] ?? '', /not used: matrices/);
  assert.equal(shopOf(learner).demand.source, 'default');
});
