import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { DispatchState } from '../model/plan.ts';
import { chosen, conformance, count, times } from './conformance.ts';
import { createChooser } from './create-chooser.ts';
import { dispatchState, rowPlan, seededRandom } from './fixture.ts';
import { LATENCY_DECAY, observeLatency } from './latency.ts';

conformance({
  name: 'PeakEwma',
  create: (row, state, options) => createChooser(row, 'PeakEwma', state, options),
  gaps: ['exact'],
});

function chooserAt(weights: readonly number[], state: DispatchState, now: () => number) {
  return createChooser(rowPlan({ weights }), 'PeakEwma', state, { random: seededRandom(5), now });
}

describe('observeLatency', () => {
  it('believes the first sample and a peak at once, and a lower one by and by', () => {
    const state = dispatchState(8);
    observeLatency(state, 0, 1000, 50);
    assert.equal(state.latency[0], 1000);
    observeLatency(state, 0, 9000, 60);
    assert.equal(state.latency[0], 9000);
    observeLatency(state, 0, 1000, 60);
    assert.equal(state.latency[0], 9000);
    observeLatency(state, 0, 1000, 60 + LATENCY_DECAY);
    assert.ok(Math.abs(state.latency[0] - (1000 + 8000 / Math.E)) < 1e-6);
    assert.equal(state.latencyAt[0], 60 + LATENCY_DECAY);
  });

  it('bears a clock that goes back and a sample of 0', () => {
    const state = dispatchState(8);
    observeLatency(state, 0, 0, 100);
    observeLatency(state, 0, 0, 90);
    assert.equal(state.latency[0], 1);
  });
});

describe('PeakEwma', () => {
  it('avoids the slow endpoint', () => {
    const state = dispatchState(8);
    for (const [slot, micros] of [1000, 1000, 5000].entries()) observeLatency(state, slot, micros, 0);
    const counts = count(
      times(3000, () => chooserAt([1, 1, 1], state, () => 0).choose()),
      3,
    );
    assert.equal(counts[2], 0);
  });

  it('takes an endpoint without a sample for an average one: no flood, no famine', () => {
    const state = dispatchState(8);
    for (const slot of [0, 1, 2]) observeLatency(state, slot, 5000, 0);
    const chooser = chooserAt([1, 1, 1, 1], state, () => 0);
    const counts = chosen(chooser, 8000, 4);
    assert.ok(counts[3]! > 1800 && counts[3]! < 2200, counts.join());
  });

  it('tries the slow one again when its sample is old', () => {
    const state = dispatchState(8);
    for (const [slot, micros] of [1000, 1000, 60_000].entries()) observeLatency(state, slot, micros, 0);
    const later = 8 * LATENCY_DECAY;
    for (const slot of [0, 1]) observeLatency(state, slot, 1000, later);
    const chooser = chooserAt([1, 1, 1], state, () => later);
    assert.ok(chosen(chooser, 300, 3)[2]! > 50);
  });

  it('counts what is in flight, by weight', () => {
    const state = dispatchState(8);
    for (const slot of [0, 1]) observeLatency(state, slot, 1000, 0);
    state.inflight.set([10, 4]);
    const chooser = chooserAt([2, 1], state, () => 0);
    assert.deepEqual(chosen(chooser, 100, 2), [0, 100]);
  });

  it('survives hours of rest', () => {
    const state = dispatchState(8);
    for (const slot of [0, 1]) observeLatency(state, slot, 1000 * (slot + 1), 0);
    const chooser = chooserAt([1, 1], state, () => 1e9);
    assert.deepEqual(new Set(times(100, () => chooser.choose())), new Set([0, 1]));
  });
});
