import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import type { LeastConnectionsRule } from './chooser.ts';
import { assertShares, closedLoop, chosen, conformance, times } from './conformance.ts';
import { createChooser } from './create-chooser.ts';
import { dispatchState, rowPlan } from './fixture.ts';
import { leastConnectionsRule } from './least-connections.ts';

function options(rule: LeastConnectionsRule) {
  return { random: () => 0, now: () => 0, rule };
}

conformance({
  name: 'LeastConnections (plusOne)',
  create: (row, state) => createChooser(row, 'LeastConnections', state, options('plusOne')),
  gaps: ['exact'],
});

// c/w serves two clients on 87:13 nearly 50:50: KTCPVS's rule, which scheduler wlc keeps.
conformance({
  name: 'LeastConnections (wlc)',
  create: (row, state) => createChooser(row, 'LeastConnections', state, options('wlc')),
  gaps: ['exact', 'load', 'newcomer'],
});

/** What two clients get on a row of 87:13. */
function twoClients(rule: LeastConnectionsRule): number[] {
  const state = dispatchState(8);
  const chooser = createChooser(rowPlan({ weights: [87, 13] }), 'LeastConnections', state, options(rule));
  return closedLoop(chooser, state, 2, 10_000, 2);
}

describe('LeastConnections', () => {
  for (const rule of ['plusOne', 'wlc'] as const) {
    const extra = rule === 'wlc' ? 0n : 1n;

    it(`${rule}: takes a least loaded one, as cross multiplication has it`, () => {
      const cell = fc.record({
        weight: fc.integer({ min: 1, max: 65_535 }),
        endpoints: fc.integer({ min: 1, max: 4 }),
        // From 1: an idle one may take its turn instead.
        connections: fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 4, maxLength: 4 }),
      });
      fc.assert(
        fc.property(fc.array(cell, { minLength: 1, maxLength: 8 }), (cells) => {
          const endpoints = cells.map((each) => each.endpoints);
          const row = rowPlan({ weights: cells.map((each) => each.weight), endpoints });
          const state = dispatchState(64);
          for (const [index, endpoint] of row.endpoints.entries()) {
            state.inflight[index] = cells[endpoint.cell]!.connections[index - row.cells[endpoint.cell]!.first]!;
          }
          const choice = createChooser(row, 'LeastConnections', state, options(rule)).choose();
          const load = (i: number) => (BigInt(state.inflight[i]!) + extra) * BigInt(endpoints[row.endpoints[i]!.cell]!);
          const weight = (i: number) => BigInt(cells[row.endpoints[i]!.cell]!.weight);
          for (const other of row.endpoints.keys()) {
            assert.ok(load(choice) * weight(other) <= load(other) * weight(choice));
          }
        }),
        { numRuns: 500 },
      );
    });

    it(`${rule}: an idle row of 87:13 is served 87:13`, () => {
      const chooser = createChooser(
        rowPlan({ weights: [87, 13] }),
        'LeastConnections',
        dispatchState(8),
        options(rule),
      );
      assert.deepEqual(chosen(chooser, 300, 2), [261, 39]);
    });

    it(`${rule}: those that are equally loaded take turns, the first one no oftener`, () => {
      const state = dispatchState(16);
      state.inflight.fill(3);
      const chooser = createChooser(rowPlan({ weights: [4, 2, 2, 2] }), 'LeastConnections', state, options(rule));
      state.inflight[0] = 8;
      assertShares(chosen(chooser, 300, 4), [0, 1, 1, 1], 0.01);
    });
  }

  it('follows the order of the schedule where all are equally loaded', () => {
    const state = dispatchState(16);
    state.inflight.fill(3);
    const chooser = createChooser(rowPlan({ weights: [1, 1, 1] }), 'LeastConnections', state, options('plusOne'));
    assert.deepEqual(
      times(7, () => chooser.choose()),
      [0, 1, 2, 0, 1, 2, 0],
    );
  });

  it('treats a newcomer as the others once it has answered, and never lets it have more than they', () => {
    const state = dispatchState(16);
    state.latency.set([1000, 1000]);
    state.inflight.set([50, 50, 5]);
    const chooser = createChooser(rowPlan({ weights: [1, 1, 1] }), 'LeastConnections', state, options('plusOne'));
    assert.equal(chosen(chooser, 300, 3)[2], 100);
    state.inflight[2] = 60;
    assert.equal(chosen(chooser, 300, 3)[2], 0);
    state.inflight.set([50, 50, 5]);
    state.latency[2] = 1000;
    assert.equal(chosen(chooser, 300, 3)[2], 300);
  });

  it('tells loads apart that differ by one part in 2^32', () => {
    const state = dispatchState(16);
    const chooser = createChooser(rowPlan({ weights: [65_535, 65_534] }), 'LeastConnections', state, options('wlc'));
    // 65533/65534 < 65534/65535, as 65533 * 65535 = 65534^2 - 1.
    state.inflight.set([65_534, 65_533]);
    assert.deepEqual(chosen(chooser, 100, 2), [0, 100]);
  });

  it('plusOne keeps 87:13 for two clients, c/w does not', () => {
    assertShares(twoClients('plusOne'), [87, 13], 0.03);
    assertShares(twoClients('wlc'), [50, 50], 0.03);
  });

  it('scheduler wlc has its own rule', () => {
    assert.equal(leastConnectionsRule('wlc'), 'wlc');
    assert.equal(leastConnectionsRule('http'), 'plusOne');
  });
});
