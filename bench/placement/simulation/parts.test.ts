import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { seededRandom } from '../../../src/placement/random.ts';
import { dispatchState, rowPlan } from '../../../src/simulation/row-plan.ts';
import { Prequal } from './prequal.ts';
import { bestConcurrency, secondsAt } from './profile.ts';
import { estimate } from './statistics.ts';

describe('intervals', () => {
  it('are those of the normal distribution where values are many', () => {
    const random = seededRandom(5);
    // Per scenario a mean of variance 1, per seed another one: the mean over n scenarios has variance (1 + 1/k) / n.
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const values = Array.from({ length: 200 }, () => {
      const own = normal();
      return Array.from({ length: 10 }, () => 3 + own + normal());
    });
    const { mean, low, high } = estimate(values);
    const expected = 1.96 * Math.sqrt(1.1 / 200);
    assert.ok(Math.abs(mean - 3) < 2 * expected);
    assert.ok(Math.abs((high - low) / 2 / expected - 1) < 0.25, `${(high - low) / 2}, expected about ${expected}`);
  });

  it('leave out what is not known', () => {
    assert.deepEqual(estimate([[1, Number.NaN], [Number.NaN]]), { mean: 1, low: 1, high: 1 });
    assert.ok(Number.isNaN(estimate([[Number.NaN]]).mean));
  });
});

describe('a profile', () => {
  // Two stations alike have X(N) = N / (N + 1) of the one's speed.
  const balanced = { cpu: 0.1, io: 0.1 };
  const host = { cpu: 1, io: 1 };

  it('has the throughput of a closed network', () => {
    for (const n of [1, 2, 5, 40]) {
      const expected = (n + 1) * 0.1;
      assert.ok(Math.abs(secondsAt(host, balanced, 0, n) - expected) < 1e-9, `N = ${n}`);
    }
    assert.ok(Math.abs(secondsAt(host, balanced, 0.5, 2) - 0.3 * 1.5) < 1e-9);
  });

  it('keeps a host busy with as few as that takes', () => {
    // A single station is busy with one per core.
    assert.equal(bestConcurrency({ cpu: 3, io: 1 }, { cpu: 0.1, io: 0 }, 0), 3);
    // N / (N + 1) of 256 / 257 is reached to 95 % by 18; the more it slows down, the fewer.
    assert.equal(bestConcurrency(host, balanced, 0), 18);
    assert.ok(bestConcurrency(host, balanced, 0.02) < 8);
  });
});

describe('Prequal', () => {
  const slots = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const state = dispatchState(10, 16);
  const plan = rowPlan(
    'row',
    slots.map((slot) => ({ slot, weight: 1, cap: 100 })),
    0,
  );
  const present = slots.map(() => 0);
  /** The second one is fastest, the third one next to it. */
  const teach = (chooser: Prequal): void => {
    for (let i = 0; i < 40; i++) for (const index of slots) chooser.answered(index, [0.3, 0.1, 0.2][index] ?? 0.4, 0);
  };
  const make = (): Prequal =>
    new Prequal(plan, state, { random: seededRandom(1), now: () => 0, present: (slot) => present[slot]! });

  it('takes the fastest of those that are not hot, as soon as it was probed', () => {
    const chooser = make();
    teach(chooser);
    const chosen = Array.from({ length: 60 }, () => chooser.choose());
    const most = slots.toSorted((a, b) => count(chosen, b) - count(chosen, a));
    assert.equal(most[0], 1, chosen.join(' '));
  });

  it('takes nothing that takes no work', () => {
    const chooser = make();
    teach(chooser);
    state.down[1] = 1;
    assert.ok(!Array.from({ length: 60 }, () => chooser.choose()).includes(1));
    state.down.fill(1);
    assert.equal(chooser.choose(), -1);
    state.down.fill(0);
  });

  it('shuns what has more than nearly all', () => {
    const chooser = make();
    teach(chooser);
    present[1] = 50;
    const chosen = Array.from({ length: 100 }, () => chooser.choose()).slice(20);
    assert.equal(count(chosen, 1), 0, chosen.join(' '));
    present[1] = 0;
  });
});

function count(of: readonly number[], value: number): number {
  return of.filter((each) => each === value).length;
}
