/** Rows in which some endpoints start slowly: their shares are as exact as any others. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import fc from 'fast-check';

import { WARM } from '../model/plan.ts';
import type { Balance } from '../model/snapshot.ts';
import type { WorkerOrder } from './conformance-worker.ts';
import { assertQuota, count, times } from './conformance.ts';
import { createChooser, createHashChooser } from './create-chooser.ts';
import { dispatchState, type RowFixture, rowPlan, seededRandom, stateBytes } from './fixture.ts';

const options = { random: seededRandom(1), now: () => 0 };
const SLOTS = 64;
/** A cell of two endpoints, one of them at a fifth; one that is cold; one that is warm. Scaled by a factor of 10. */
const WARMING: RowFixture = {
  weights: [5, 2, 3],
  scaled: [30, 2, 30],
  endpoints: [2, 1, 1],
  warmths: [WARM, 2, 1, WARM],
};

const row = fc
  .array(
    fc.record({
      scaled: fc.integer({ min: 1, max: 200 }),
      warmths: fc.array(fc.integer({ min: 1, max: WARM }), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((cells): RowFixture => ({
    weights: cells.map(() => 1),
    scaled: cells.map(({ scaled }) => scaled),
    endpoints: cells.map(({ warmths }) => warmths.length),
    warmths: cells.flatMap(({ warmths }) => warmths),
  }));

describe('slow start', () => {
  it('round robin: cells by their scaled weights and endpoints by their warmth, each exactly, over several workers', () => {
    fc.assert(
      fc.property(row, fc.integer({ min: 1, max: 4 }), fc.nat(), (fixture, workers, seed) => {
        const plan = rowPlan(fixture);
        const state = dispatchState(SLOTS);
        const choosers = times(workers, () => createChooser(plan, 'RoundRobin', state, options));
        const random = seededRandom(seed);
        const period = fixture.scaled!.reduce((a, b) => a + b, 0);
        const choices = times(2 * period, () => choosers[Math.floor(random() * workers)]!.choose());
        assertQuota(
          choices.map((index) => plan.endpoints[index]!.cell),
          fixture.scaled!,
        );
        for (const [cell, { first, count: own }] of plan.cells.entries()) {
          assertQuota(
            choices.filter((index) => plan.endpoints[index]!.cell === cell).map((index) => index - first),
            fixture.warmths!.slice(first, first + own),
          );
        }
      }),
    );
  });

  it('round robin: over threads that choose at the same time', async () => {
    const buffer = new SharedArrayBuffer(stateBytes(SLOTS));
    const order: WorkerOrder = { fixture: WARMING, balance: 'RoundRobin', buffer, slots: SLOTS, choices: 3100 };
    const counts = await Promise.all(
      times(
        4,
        () =>
          new Promise<number[]>((resolve, reject) => {
            const worker = new Worker(new URL('conformance-worker.ts', import.meta.url), { workerData: order });
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      ),
    );
    // 12,400 choices are 200 periods: 6,000 of the first cell, five of six of them at the warm endpoint
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => counts.reduce((sum, of) => sum + of[index]!, 0)),
      [5000, 1000, 400, 6000],
    );
  });

  for (const balance of ['LeastConnections', 'PowerOfTwo', 'PeakEwma'] satisfies Balance[]) {
    it(`${balance}: under load, what is in flight is as the scaled weights are`, () => {
      const state = dispatchState(SLOTS);
      const chooser = createChooser(rowPlan(WARMING), balance, state, { ...options, random: seededRandom(7) });
      // each of them has answered, all as fast
      state.latency.fill(1000);
      for (let i = 0; i < 6200; i++) state.inflight[chooser.choose()]!++;
      for (const [index, share] of [25 / 62, 5 / 62, 2 / 62, 30 / 62].entries()) {
        const off = Math.abs(state.inflight[index]! / 6200 - share);
        assert.ok(off < 0.005, `endpoint ${index}: ${state.inflight[index]} of 6200`);
      }
    });
  }

  it('a retry finds the endpoints of a cell in turns, each once', () => {
    const chooser = createChooser(rowPlan(WARMING), 'RoundRobin', dispatchState(SLOTS), options);
    const tried: number[] = [];
    for (let next = chooser.chooseAgain(tried); next !== -1; next = chooser.chooseAgain(tried)) tried.push(next);
    assert.deepEqual(count(tried, 4), [1, 1, 1, 1]);
  });

  it('what is chosen by a hash does not move while endpoints start', () => {
    const [warm, warming] = [{ ...WARMING, scaled: WARMING.weights, warmths: [] }, WARMING].map((fixture) =>
      createHashChooser(rowPlan(fixture), dispatchState(SLOTS)),
    );
    for (let hash = 0; hash < 2000; hash++) {
      assert.equal(warming!.chooseByHash(hash * 0x9e3779b1, []), warm!.chooseByHash(hash * 0x9e3779b1, []));
    }
  });
});
