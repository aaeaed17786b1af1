import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { assertQuota, chosen, conformance, count, times } from './conformance.ts';
import { createChooser } from './create-chooser.ts';
import { dispatchState, rowPlan } from './fixture.ts';

const options = { random: Math.random, now: () => 0 };

conformance({
  name: 'RoundRobin',
  create: (row, state) => createChooser(row, 'RoundRobin', state, options),
  balance: 'RoundRobin',
  gaps: [],
});

describe('RoundRobin', () => {
  it('serves the recorded demo within less than one request of 87:13, in mid run and at its end', () => {
    const chooser = createChooser(rowPlan({ weights: [87, 13] }), 'RoundRobin', dispatchState(8), options);
    const choices = times(5222, () => chooser.choose());
    assert.deepEqual(count(choices.slice(0, 2531), 2), [2202, 329]);
    assertQuota(choices, [87, 13]);
  });

  it('spreads a cell exactly over its endpoints, past one that went down', () => {
    const row = rowPlan({ weights: [3, 1], endpoints: [3, 1] });
    const state = dispatchState(8);
    const chooser = createChooser(row, 'RoundRobin', state, options);
    assert.deepEqual(chosen(chooser, 400, 4), [100, 100, 100, 100]);
    state.down[1] = 1;
    assert.deepEqual(chosen(chooser, 400, 4), [150, 0, 150, 100]);
  });

  it('walks a period that is too long for a table', () => {
    const weights = [65_535, 65_533, 1, 7];
    const chooser = createChooser(rowPlan({ weights }), 'RoundRobin', dispatchState(8), options);
    assertQuota(
      times(131_076, () => chooser.choose()),
      weights,
      2,
    );
  });
});
