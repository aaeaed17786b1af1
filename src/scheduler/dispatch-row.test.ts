import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DispatchRow, usable } from './dispatch-row.ts';
import { dispatchState, rowPlan } from './fixture.ts';

describe('usable', () => {
  const row = rowPlan({ weights: [5, 0, 3, 1], endpoints: [1, 1, 2, 1], unavailable: [2], maxConnections: 4 });

  it('is true for an endpoint that may have one more', () => {
    const state = dispatchState(8);
    state.inflight[3] = 3;
    assert.ok(usable(row, state, 0));
    assert.ok(usable(row, state, 3));
  });

  it('is false at weight 0, when not available, down, full, or not there at all', () => {
    const state = dispatchState(8);
    state.inflight[3] = 4;
    state.down[4] = 1;
    for (const index of [1, 2, 3, 4, 5, -1]) assert.equal(usable(row, state, index), false, String(index));
  });
});

describe('DispatchRow', () => {
  it('retries in the order of the schedule, then whatever is left', () => {
    const plan = rowPlan({ weights: [3, 2, 1] });
    const row = new DispatchRow(plan, dispatchState(8));
    assert.ok(plan.schedule.kind === 'Table');
    assert.deepEqual([...plan.schedule.table], [0, 1, 0, 1, 0, 2]);
    assert.deepEqual([row.retry([]), row.retry([]), row.retry([0])], [0, 1, 1]);
    assert.deepEqual([row.retry([]), row.retry([]), row.retry([]), row.retry([0, 1])], [0, 2, 0, 2]);
  });

  it('has a layout of its own where only the list of endpoints is that of another row', () => {
    const one = rowPlan({ weights: [1, 1] });
    const other = { ...one, cells: one.cells.map((cell, index) => ({ ...cell, weight: index })) };
    const [first, second] = [new DispatchRow(one, dispatchState(8)), new DispatchRow(other, dispatchState(8))];
    assert.deepEqual([first.members, second.members], [[0, 1], [1]]);
    const third = new DispatchRow(one, dispatchState(8));
    assert.equal(new DispatchRow({ ...one, cursor: 9 }, dispatchState(8)).members, third.members);
  });

  it('spreads the retries of a cell over its endpoints', () => {
    const row = new DispatchRow(rowPlan({ weights: [3], endpoints: [3] }), dispatchState(8));
    assert.deepEqual(new Set(Array.from({ length: 5 }, () => row.retry([]))), new Set([0, 1, 2]));
  });

  it('chooses by weight among what a search finds', () => {
    const state = dispatchState(8);
    const row = new DispatchRow(rowPlan({ weights: [90, 6, 3, 3], endpoints: [1, 1, 3, 1] }), state);
    state.down[0] = 1;
    const found = Array.from({ length: 12 }, (_, i) => row.anyOther([], (i + 0.5) / 12));
    assert.deepEqual(found, [1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5]);
    assert.equal(row.anyOther([1, 2, 3, 4, 5]), -1);
  });
});
