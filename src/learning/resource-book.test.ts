import assert from 'node:assert/strict';
import { test } from 'node:test';

import { seededRandom } from '../placement/random.ts';
import { addIdle, addUse, costsOf, newCostBook } from './cost.ts';
import { ResourceBook, type WorkloadGiven } from './resource-book.ts';

const NOW = 1e12;
const LATER = NOW + 1e9;
const WINDOW = 5;

/** Two workloads on two servers: their loads vary by themselves and, slowly, together. */
function scene(truth: { chi: number; kappa: number; noise: number; seed: number; windows?: number }) {
  const random = seededRandom(truth.seed);
  const noise = () => 1 + truth.noise * (random() + random() + random() - 1.5) * 2;
  const given: WorkloadGiven[] = [
    { workload: 'shop', apps: ['browse', 'pay'], servers: ['d/web1', 'd/web2'] },
    { workload: 'batch', apps: ['batch'], servers: ['d/web1', 'd/web2'] },
  ];
  const book = new ResourceBook();
  const cost = { browse: 0.004, pay: 0.02, batch: 0.05 };
  const busiest = 8;
  for (let window = 0; window < (truth.windows ?? 2000); window++) {
    const day = 1 + 0.8 * Math.sin(window / 400);
    // Now and then nothing is asked for a while.
    const share = window % 100 < 4 ? 0 : 1;
    const count = (mean: number) => Math.round(share * mean * day * (0.2 + 1.6 * random()));
    const uses = given[0]!.servers.flatMap((server) => {
      const answered = { browse: count(200), pay: count(30), batch: count(50) };
      const seconds = { browse: answered.browse * 0.03, pay: answered.pay * 0.1, batch: answered.batch * 0.4 };
      book.add(
        Object.entries(answered).map(([app, requests]) => ({
          matrix: 'd/m',
          app,
          server,
          arrivals: requests,
          answered: requests,
          seconds: seconds[app as 'pay'],
          failures: 0,
          timeouts: 0,
          levels: null,
        })),
      );
      const inflight = (seconds.browse + seconds.pay + seconds.batch) / WINDOW;
      const pressed =
        1 + truth.kappa * Math.max(0, inflight - 1) + truth.chi * Math.min(1, seconds.batch / WINDOW / busiest);
      const shop = 0.05 * WINDOW + (answered.browse * cost.browse + answered.pay * cost.pay) * pressed * noise();
      const batch = answered.batch * cost.batch * (1 + truth.kappa * Math.max(0, inflight - 1)) * noise();
      return [
        { server, workload: 'shop', seconds: WINDOW, amounts: { cpu: shop } },
        { server, workload: 'batch', seconds: WINDOW, amounts: { cpu: batch } },
      ];
    });
    book.addUses(given, uses, NOW + window * WINDOW * 1000);
  }
  return { book, cost };
}

test('the costs of classes that share an instance are told apart, and what it uses when idle', () => {
  for (const seed of [1, 2, 3]) {
    const { book, cost } = scene({ chi: 0, kappa: 0, noise: 0.1, seed });
    const shop = book.costsOf('shop', 'cpu', LATER)!;
    for (const app of ['browse', 'pay'] as const) {
      const { value, variance } = shop.alone.get(app)!;
      assert.ok(Math.abs(value / cost[app] - 1) < 0.05, `${app}: ${value}`);
      assert.ok(Math.abs(value - cost[app]) < 5 * Math.sqrt(variance), `${app}: ${value} ±${Math.sqrt(variance)}`);
    }
    assert.ok(Math.abs(shop.idle.value - 0.05) < 0.02, `idle ${shop.idle.value}`);
  }
});

test('where nobody disturbs anybody, no conflict above 0.03 is found, whatever the noise and the hour of the day', () => {
  for (let seed = 0; seed < 4; seed++) {
    for (const noise of [0.05, 0.3]) {
      for (const kappa of [0, 0.01]) {
        const { book } = scene({ chi: 0, kappa, noise, seed });
        for (const [workload, neighbour] of [
          ['shop', 'batch'],
          ['batch', 'shop'],
        ] as const) {
          const { value } = book.costsOf(workload, 'cpu', LATER)!.factors.get(neighbour)!;
          assert.ok(
            value <= 0.03,
            `seed ${seed}, noise ${noise}, kappa ${kappa}: ${workload} by ${neighbour} ${value}`,
          );
        }
      }
    }
  }
});

test('a conflict that is there is found, and a request costs what it costs alone', () => {
  for (const seed of [1, 2, 3, 4]) {
    const { book, cost } = scene({ chi: 0.5, kappa: 0, noise: 0.1, seed });
    const { factors, alone, byApp } = book.costsOf('shop', 'cpu', LATER)!;
    const { value } = factors.get('batch')!;
    assert.ok(value > 0.3 && value < 0.7, `seed ${seed}: ${value}`);
    const off = alone.get('pay')!.value / cost.pay - 1;
    assert.ok(Math.abs(off) < 0.08, `seed ${seed}: pay is off by ${off}`);
    assert.ok(byApp.get('pay')!.value > 1.1 * cost.pay, 'as things are it costs more');
    assert.ok(book.costsOf('batch', 'cpu', LATER)!.factors.get('shop')!.value <= 0.03);
  }
});

test('what each further request in flight adds is no conflict', () => {
  const { book } = scene({ chi: 0, kappa: 0.02, noise: 0.1, seed: 7 });
  const { growth, factors } = book.costsOf('shop', 'cpu', LATER)!;
  assert.ok(Math.abs(growth!.value - 0.02) < 0.008, `${growth!.value}`);
  assert.ok(factors.get('batch')!.value <= 0.03);
});

test('little is not enough, and other classes begin anew', () => {
  const { book } = scene({ chi: 0.5, kappa: 0, noise: 0.1, seed: 1, windows: 9 });
  assert.equal(book.costsOf('shop', 'cpu', LATER), null);
  assert.equal(book.costsOf('nobody', 'cpu', LATER), null);
  const costs = newCostBook(['a', 'b']);
  for (let window = 0; window < 30; window++) addUse(costs, 2 * (1 + window), [1 + window, 0], 1, NOW);
  const { byApp } = costsOf(costs)!;
  assert.ok(Math.abs(byApp.get('a')!.value - 2) < 1e-6);
  assert.equal(byApp.has('b'), false, 'nothing is known of what was never asked for');
});

test('an instance that is always busy is not taken for one that uses so much when idle', () => {
  const random = seededRandom(3);
  const costs = newCostBook(['a']);
  // All of a processor in every window, and as many answers as came out of it.
  for (let window = 0; window < 500; window++) addUse(costs, 5, [40 + Math.round(20 * random())], 5, NOW);
  const { idle, byApp } = costsOf(costs)!;
  assert.ok(Math.abs(byApp.get('a')!.value / 0.1 - 1) < 0.05, `${byApp.get('a')!.value}`);
  assert.equal(idle.value, 0);
});

test('idle use is that of windows of rest, but for those in which it worked for who had left', () => {
  const costs = newCostBook(['a']);
  for (let window = 0; window < 30; window++) {
    addIdle(costs, window < 3 ? 4 : 0.05, 5, NOW);
    addIdle(costs, window === 20 ? 5 : 0.06, 5, NOW);
    addUse(costs, 0.055 + 0.02 * (10 + window), [10 + window], 5, NOW);
  }
  const { idle, byApp } = costsOf(costs)!;
  assert.ok(Math.abs(idle.value - 0.011) < 1e-3, `${idle.value} ±${Math.sqrt(idle.variance)}`);
  assert.ok(Math.abs(byApp.get('a')!.value - 0.02) < 2e-4, `${byApp.get('a')!.value}`);
});

test('requests that are larger than others, and so are longer in flight, are no growth and no conflict', () => {
  const random = seededRandom(5);
  const apps = ['a', 'b'];
  const given = apps.map((app): WorkloadGiven => ({ workload: app, apps: [app], servers: ['d/web1'] }));
  const book = new ResourceBook();
  for (let window = 0; window < 2000; window++) {
    // Sizes vary by the window; who has large requests holds up the other one, too.
    const sizes = apps.map(() => -Math.log(1 - random()));
    const slower = sizes.reduce((sum, each) => sum + each, 0) / 2;
    const uses = apps.map((app) => {
      const answered = 5 + Math.round(10 * random());
      const seconds = answered * 0.5 * slower;
      book.add([
        {
          matrix: 'd/m',
          app,
          server: 'd/web1',
          arrivals: answered,
          answered,
          seconds,
          failures: 0,
          timeouts: 0,
          levels: null,
        },
      ]);
      return {
        server: 'd/web1',
        workload: app,
        seconds: WINDOW,
        amounts: { cpu: answered * 0.1 * sizes[apps.indexOf(app)]! },
      };
    });
    book.addUses(given, uses, NOW + window * WINDOW * 1000);
  }
  for (const [app, neighbour] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const { growth, factors } = book.costsOf(app, 'cpu', LATER)!;
    assert.ok(growth!.value <= 0.01, `${app}: growth ${growth!.value}`);
    assert.ok(factors.get(neighbour)!.value <= 0.03, `${app} by ${neighbour}: ${factors.get(neighbour)!.value}`);
  }
});
