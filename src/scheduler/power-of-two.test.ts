import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { assertShares, chosen, conformance, count, times } from './conformance.ts';
import { createChooser } from './create-chooser.ts';
import { DispatchRow } from './dispatch-row.ts';
import { dispatchState, rowPlan, seededRandom } from './fixture.ts';
import { PairSampler } from './pair-sampler.ts';

conformance({
  name: 'PowerOfTwo',
  create: (row, state, options) => createChooser(row, 'PowerOfTwo', state, options),
  gaps: ['exact'],
});

describe('PowerOfTwo', () => {
  it('draws two different endpoints, the first by weight, the second by weight among the others', () => {
    const row = new DispatchRow(rowPlan({ weights: [60, 30, 10] }), dispatchState(8));
    const sampler = new PairSampler(row, seededRandom(3));
    const pairs = times(60_000, () => {
      sampler.draw();
      return [sampler.first, sampler.second] as const;
    });
    assert.ok(pairs.every(([a, b]) => a !== b));
    assertShares(
      count(
        pairs.map(([a]) => a),
        3,
      ),
      [60, 30, 10],
      0.01,
    );
    const after = pairs.filter(([a]) => a === 0).map(([, b]) => b);
    assertShares(count(after, 3), [0, 30, 10], 0.01);
  });

  it('takes the less loaded of the two, by weight', () => {
    const state = dispatchState(8);
    const chooser = createChooser(rowPlan({ weights: [2, 1] }), 'PowerOfTwo', state, {
      random: seededRandom(1),
      now: () => 0,
    });
    state.inflight.set([10, 4]);
    assert.deepEqual(chosen(chooser, 100, 2), [0, 100]);
    state.inflight.set([8, 4]);
    assert.deepEqual(chosen(chooser, 100, 2), [100, 0]);
  });

  it('divides the weight of a cell by its endpoints', () => {
    const state = dispatchState(8);
    const row = rowPlan({ weights: [4, 1], endpoints: [2, 1] });
    const chooser = createChooser(row, 'PowerOfTwo', state, { random: seededRandom(1), now: () => 0 });
    // 9/2, 9/2, 4/1: the last one wins whenever it is drawn, which it is with 1/5 + 4/5 * 1/3.
    state.inflight.set([8, 8, 3]);
    assertShares(chosen(chooser, 20_000, 3), [4 / 15, 4 / 15, 7 / 15], 0.02);
  });
});
