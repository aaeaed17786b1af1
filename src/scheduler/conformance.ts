/**
 * What every scheduler must hold: each one's test calls `conformance` and names the gaps that are known and meant. A gap
 * is checked to be one by nobody: it only says what is not claimed (exactness is claimed for round robin alone).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import type { DispatchState, RowPlan } from '../model/plan.ts';
import type { Balance } from '../model/snapshot.ts';
import type { Chooser, ChooserOptions } from './chooser.ts';
import type { WorkerOrder } from './conformance-worker.ts';
import { CURSOR, dispatchState, rowPlan, seededRandom } from './fixture.ts';
import type { RowFixture } from './fixture.ts';
import { longestRun } from './quota-table.ts';

export interface Subject {
  readonly name: string;
  readonly create: (row: RowPlan, state: DispatchState, options: ChooserOptions) => Chooser;
  /** Given if worker threads can make the chooser too, and its shares are exact over them. */
  readonly balance?: Balance;
  readonly gaps: readonly Gap[];
}

/**
 * `exact`: shares after every choice, runs, over workers and over a rebuild; `load`: shares under load by weight;
 * `newcomer`: a new endpoint is not flooded.
 */
export type Gap = 'exact' | 'load' | 'newcomer';

const SLOTS = 64;
const DEMO = [87, 13];
const MIXED = [5, 0, 3, 1, 7];

interface Bench {
  readonly row: RowPlan;
  readonly state: DispatchState;
  readonly chooser: Chooser;
}

export function conformance(subject: Subject): void {
  const bench = (fixture: RowFixture, state = dispatchState(SLOTS), seed = 1): Bench => {
    const row = rowPlan(fixture);
    return { row, state, chooser: subject.create(row, state, { random: seededRandom(seed), now: () => 0 }) };
  };

  describe(`${subject.name}: conformance`, () => {
    it('never chooses a cell of weight 0', () => {
      for (const load of [0, 3]) {
        const { chooser, row, state } = bench({ weights: MIXED, endpoints: [1, 2, 2, 1, 1] });
        for (const { slot, cell } of row.endpoints) state.inflight[slot] = cell === 1 ? 0 : load;
        for (const index of take(chooser, 2000)) assert.notEqual(row.endpoints[index]!.cell, 1);
        for (let i = 0; i < 200; i++) assert.notEqual(row.endpoints[chooser.chooseAgain([0])]!.cell, 1);
      }
    });

    it('never chooses what is not available in this epoch, nor what is known to be down since', () => {
      for (const load of [0, 3]) {
        const { chooser, state } = bench({ weights: MIXED, endpoints: [2, 1, 3, 1, 1], unavailable: [0, 4] });
        state.down[6] = 2;
        for (const slot of [1, 3, 5, 7]) state.inflight[slot] = load;
        const seen = new Set(times(500, () => [acquire(chooser, state), chooser.chooseAgain([1])]).flat());
        assert.deepEqual(
          [...seen].toSorted((x, y) => x - y),
          [1, 3, 5, 7],
        );
      }
    });

    it('never goes above the cap of a cell, divided by the proxies, and goes back to it when there is room', () => {
      const { chooser, row, state } = bench({ weights: MIXED, endpoints: [1, 1, 2, 1, 1], caps: [0, 0, 4, 3, 0] });
      state.replicas[0] = 2;
      const held = times(2000, () => {
        const index = chooser.choose();
        const { cell } = row.endpoints[index]!;
        if (row.capSlots![cell] !== -1) state.cellInflight[cell]!++;
        return cell;
      });
      assert.deepEqual(count(held, 5).slice(1, 4), [0, 2, 2], 'two of four, two of three');
      for (let i = 0; i < 200; i++) assert.ok([0, 4].includes(row.endpoints[chooser.chooseAgain([])]!.cell));
      state.cellInflight[2]!--;
      const again = times(2000, () => row.endpoints[chooser.choose()]!.cell);
      assert.ok(again.includes(2));
      assert.ok(!again.includes(3));
    });

    it('never goes above the cap of an endpoint, and goes back to it when there is room', () => {
      const { chooser, state } = bench({ weights: MIXED, maxConnections: 3 });
      const held = times(12, () => acquire(chooser, state));
      assert.deepEqual(count(held, 5), [3, 0, 3, 3, 3]);
      assert.equal(chooser.choose(), -1);
      assert.equal(chooser.chooseAgain([]), -1);
      state.inflight[3]!--;
      assert.equal(chooser.choose(), 3);
      assert.equal(chooser.chooseAgain([3]), -1);
    });

    it('a retry takes nothing that was tried, and ends only when nothing is left', () => {
      const { chooser, state } = bench({ weights: MIXED, endpoints: [2, 2, 3, 1, 1] });
      state.down[8] = 1;
      for (let round = 0; round < 50; round++) {
        const tried = [chooser.choose()];
        for (let next = chooser.chooseAgain(tried); next !== -1; next = chooser.chooseAgain(tried)) {
          assert.ok(!tried.includes(next));
          tried.push(next);
        }
        assert.deepEqual(
          tried.toSorted((a, b) => a - b),
          [0, 1, 4, 5, 6, 7],
        );
      }
    });

    it('finds the one endpoint that takes work, however light', () => {
      const { chooser, state } = bench({ weights: [65_535, 65_533, 1, 65_531] });
      for (const slot of [0, 1, 3]) state.down[slot] = 1;
      assert.deepEqual(new Set(take(chooser, 50)), new Set([2]));
      assert.equal(chooser.chooseAgain([0]), 2);
      assert.equal(chooser.chooseAgain([2]), -1);
    });

    it('answers -1 for an empty row, a row of zeros, and a row that is all down', () => {
      for (const weights of [[], [0, 0]]) {
        const { chooser } = bench({ weights });
        assert.equal(chooser.choose(), -1);
        assert.equal(chooser.chooseAgain([]), -1);
      }
      const { chooser, state } = bench({ weights: MIXED });
      state.down.fill(1);
      assert.equal(chooser.choose(), -1);
      assert.equal(chooser.chooseAgain([]), -1);
    });

    it('serves an idle row by weight', () => {
      for (const weights of [DEMO, MIXED, [1, 1, 1, 1]]) {
        const { chooser } = bench({ weights });
        assertShares(chosen(chooser, 20_000, weights.length), weights, 0.02);
      }
    });

    if (!subject.gaps.includes('load')) {
      it('serves by weight under load, where all requests take equally long', () => {
        for (const weights of [DEMO, MIXED, [40, 31, 29, 1]]) {
          for (const clients of [2, 10, 200]) {
            const { chooser, state } = bench({ weights });
            assertShares(closedLoop(chooser, state, clients, 20_000, weights.length), weights, 0.06);
          }
        }
      });
    }

    it('spreads the requests of a cell over its endpoints', () => {
      const { chooser, state } = bench({ weights: [30, 10], endpoints: [3, 2] });
      assertShares(closedLoop(chooser, state, 40, 20_000, 5), [10, 10, 10, 5, 5], 0.03);
    });

    it('gives the share of what is down to the others in proportion', () => {
      for (const weights of [
        [50, 30, 20],
        [65_000, 30, 10],
      ]) {
        const { chooser, state } = bench({ weights });
        state.down[0] = 1;
        assertShares(chosen(chooser, 20_000, 3), [0, ...weights.slice(1)], 0.03);
      }
    });

    if (!subject.gaps.includes('newcomer')) {
      it('gives a new endpoint about its share until it has answered, though nothing is in flight there', () => {
        const state = dispatchState(SLOTS);
        for (let slot = 0; slot < 9; slot++) {
          state.inflight[slot] = 50;
          state.latency[slot] = 1000;
        }
        const { chooser } = bench({ weights: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1] }, state);
        const first = count(
          times(400, () => acquire(chooser, state)),
          10,
        )[9]!;
        // Of two drawn it is always the better one: twice its share, and that is the most.
        assert.ok(first >= 30 && first <= 100, `${first} of 400`);
      });
    }

    if (!subject.gaps.includes('exact')) exactness(subject, bench);
  });
}

function exactness(subject: Subject, bench: (fixture: RowFixture, state?: DispatchState) => Bench): void {
  it('stands within less than one of every share after every choice', () => {
    for (const weights of [DEMO, MIXED, [92, 89, 1, 1, 1, 95, 1, 44, 1, 1]]) {
      const { chooser } = bench({ weights });
      assertQuota(
        times(3 * sum(weights), () => chooser.choose()),
        weights,
      );
    }
  });

  it('lets no cell run longer than its weight makes necessary', () => {
    for (const weights of [DEMO, MIXED, [7, 2, 2], [3, 2, 2]]) {
      const { chooser } = bench({ weights });
      const choices = times(3 * sum(weights), () => chooser.choose());
      let run = 0;
      for (const [i, cell] of choices.entries()) {
        run = cell === choices[i - 1] ? run + 1 : 1;
        assert.ok(run <= longestRun(weights[cell]!, sum(weights)), `${run} times ${cell} in ${weights.join()}`);
      }
    }
  });

  it('goes on where it was when the plan of an unchanged row is built again', () => {
    const { chooser, row, state } = bench({ weights: MIXED });
    const before = times(5, () => chooser.choose());
    const rebuilt = subject.create(structuredClone(row), state, { random: seededRandom(9), now: () => 0 });
    const after = times(27, () => [chooser.choose(), rebuilt.choose()]).flat();
    assertQuota([...before, ...after], MIXED);
  });

  it('starts afresh with a new epoch', () => {
    const { chooser, state } = bench({ weights: MIXED });
    times(7, () => chooser.choose());
    const next = bench({ weights: [1, 1, 0, 2, 0], epoch: 2, cursor: 20 }, state);
    assertQuota(
      times(40, () => next.chooser.choose()),
      [1, 1, 0, 2, 0],
    );
  });

  it('keeps first choices exact whatever is retried meanwhile', () => {
    const { chooser } = bench({ weights: MIXED });
    assertQuota(
      times(64, () => (chooser.chooseAgain([0]), chooser.choose())),
      MIXED,
    );
  });

  it('skips an endpoint at its cap without debt', () => {
    const { chooser, state } = bench({ weights: [2, 1, 1], maxConnections: 5 });
    state.inflight[0] = 5;
    assert.deepEqual(chosen(chooser, 100, 3), [0, 50, 50]);
    state.inflight[0] = 0;
    assertQuota(
      times(100, () => chooser.choose()),
      [2, 1, 1],
      2,
    );
  });

  it('stays exact where the cursor is set back', () => {
    for (const start of [2 ** 31 - 3, 2 ** 31, 2 ** 32 - 40]) {
      const { chooser, state } = bench({ weights: [3, 2, 2] });
      // As if as many choices had been made: the next positions follow from it.
      state.cursors[CURSOR] = start;
      const choices = times(70, () => chooser.choose());
      const fresh = bench({ weights: [3, 2, 2] });
      times(start % 7, () => fresh.chooser.choose());
      assert.deepEqual(
        choices,
        times(70, () => fresh.chooser.choose()),
      );
      assert.ok(Atomics.load(state.cursors, CURSOR) < 2 ** 31);
    }
  });

  for (const start of [0, 2 ** 31 - 100_000, 2 ** 32 - 100_000]) {
    it(`is exact over four threads from cursor ${start}`, async () => {
      const fixture = { weights: [87, 13, 29, 0, 71], endpoints: [1, 1, 4, 1, 1] };
      const buffer = dispatchState(SLOTS).inflight.buffer as SharedArrayBuffer;
      const state = dispatchState(SLOTS, buffer);
      const first = start - (start % sum(fixture.weights));
      state.cursors[CURSOR] = first;
      const order = { fixture, balance: subject.balance!, buffer, slots: SLOTS, choices: 100_000 };
      const counts = await Promise.all(times(4, () => inThread(order)));
      const total = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => sum(counts.map((each) => each[index]!)));
      // 400,000 = 2,000 periods of 200.
      assert.deepEqual(total, [174_000, 26_000, 14_500, 14_500, 14_500, 14_500, 0, 142_000]);
    });
  }
}

function inThread(order: WorkerOrder): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./conformance-worker.ts', import.meta.url), { workerData: order });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** So many choices by one client after another: nothing stays in flight. */
function take(chooser: Chooser, choices: number): number[] {
  return times(choices, () => chooser.choose());
}

function acquire(chooser: Chooser, state: DispatchState): number {
  const index = chooser.choose();
  if (index !== -1) state.inflight[index]!++;
  return index;
}

/** So many clients, each with one request in flight, all of the same duration: the oldest ends, a new one starts. */
export function closedLoop(
  chooser: Chooser,
  state: DispatchState,
  clients: number,
  choices: number,
  endpoints: number,
): number[] {
  const inflight: number[] = [];
  const counts = Array.from({ length: endpoints }, () => 0);
  for (let i = 0; i < choices; i++) {
    if (i >= clients) state.inflight[inflight[i % clients]!]!--;
    const index = acquire(chooser, state);
    inflight[i % clients] = index;
    counts[index]!++;
  }
  return counts;
}

/** After every choice, |count - N * share| below the bound for every cell of a row with an endpoint per cell. */
export function assertQuota(choices: readonly number[], weights: readonly number[], bound = 1): void {
  const period = sum(weights);
  const counts = weights.map(() => 0);
  for (const [i, cell] of choices.entries()) {
    counts[cell]!++;
    for (const [other, weight] of weights.entries()) {
      const deviation = Math.abs(counts[other]! * period - (i + 1) * weight);
      if (deviation >= bound * period) assert.fail(`cell ${other} of ${weights.join()}: ${counts[other]} of ${i + 1}`);
    }
  }
}

export function assertShares(counts: readonly number[], weights: readonly number[], tolerance: number): void {
  for (const [cell, weight] of weights.entries()) {
    const asked = weight / sum(weights);
    const delivered = counts[cell]! / sum(counts);
    const message = `cell ${cell} of ${weights.join()}: asked ${asked.toFixed(3)}, delivered ${delivered.toFixed(3)}`;
    assert.ok(Math.abs(asked - delivered) <= tolerance, message);
  }
}

export function count(choices: readonly number[], endpoints: number): number[] {
  const counts = Array.from({ length: endpoints }, () => 0);
  for (const index of choices) if (index !== -1) counts[index]!++;
  return counts;
}

/** How often each endpoint was chosen, by one client after another: nothing stays in flight. */
export function chosen(chooser: Chooser, choices: number, endpoints: number): number[] {
  return count(take(chooser, choices), endpoints);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

export function times<T>(n: number, make: () => T): T[] {
  return Array.from({ length: n }, make);
}
