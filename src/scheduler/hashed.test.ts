import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { RowPlan } from '../model/plan.ts';
import { assertShares, conformance, count, times } from './conformance.ts';
import { createHashChooser } from './create-chooser.ts';
import { dispatchState, rowPlan, seededRandom } from './fixture.ts';
import { hashBytes, hashText } from './hashed.ts';

conformance({
  name: 'Hashed, without a hash',
  create: (row, state) => createHashChooser(row, state),
  balance: 'RoundRobin',
  gaps: [],
});

conformance({
  name: 'Hashed, by hash',
  create: (row, state, { random }) => {
    const chooser = createHashChooser(row, state);
    const draw = () => Math.floor(random() * 2 ** 32);
    return {
      choose: () => chooser.chooseByHash(draw(), []),
      chooseAgain: (tried) => chooser.chooseByHash(draw(), tried),
    };
  },
  gaps: ['exact'],
});

/** Where 20,000 users go, as `address:port` (or `server`). */
function map(row: RowPlan, key: (index: number) => string, down: readonly number[] = []): string[] {
  const state = dispatchState(64);
  for (const slot of down) state.down[slot] = 1;
  const chooser = createHashChooser(row, state);
  return Array.from({ length: 20_000 }, (_, user) => key(chooser.chooseByHash(hashText(`user${user}`), [])));
}

function endpointOf(row: RowPlan) {
  return (index: number) => `${row.endpoints[index]!.address}:${row.endpoints[index]!.port}`;
}

describe('Hashed', () => {
  it('sends equal hashes to the same endpoint', () => {
    const chooser = createHashChooser(rowPlan({ weights: [5, 3, 2] }), dispatchState(8));
    assert.equal(new Set(times(100, () => chooser.chooseByHash(123_456, []))).size, 1);
  });

  it('keeps shares for small and large weights', () => {
    const chooser = createHashChooser(rowPlan({ weights: [60_000, 500, 1500] }), dispatchState(8));
    const random = seededRandom(2);
    const choices = times(100_000, () => chooser.chooseByHash(Math.floor(random() * 2 ** 32), []));
    assertShares(count(choices, 3), [60_000, 500, 1500], 0.002);
  });

  it('moves only the hashes of an endpoint that goes down, to the others of its cell', () => {
    const row = rowPlan({ weights: [5, 3, 2], endpoints: [3, 1, 1] });
    const before = map(row, String);
    const after = map(row, String, [1]);
    for (const [user, index] of before.entries()) {
      if (index !== '1') assert.equal(after[user], index);
      else assert.ok(after[user] === '0' || after[user] === '2');
    }
  });

  it('moves only what a new endpoint of a cell takes over', () => {
    const small = rowPlan({ weights: [5, 3], endpoints: [3, 1] });
    const large = rowPlan({ weights: [5, 3], endpoints: [4, 1] });
    const before = map(small, endpointOf(small));
    const after = map(large, endpointOf(large));
    const moved = after.filter((endpoint, user) => endpoint !== before[user]);
    assert.deepEqual(new Set(moved), new Set(['10.0.0.4:8080']));
    assert.ok(Math.abs(moved.length / 20_000 - 5 / 8 / 4) < 0.02);
  });

  it('moves only to a cell that gets more weight', () => {
    const before = rowPlan({ weights: [5, 3, 2] });
    const after = rowPlan({ weights: [5, 6, 2] });
    const now = map(after, String);
    for (const [user, index] of map(before, String).entries()) assert.ok(now[user] === index || now[user] === '1');
  });

  it('does not depend on the order of cells', () => {
    const row = rowPlan({ weights: [5, 3, 2] });
    const reversed: RowPlan = {
      ...row,
      cells: row.cells.toReversed().map((cell, first) => ({ ...cell, first })),
      endpoints: row.endpoints.toReversed().map((endpoint, cell) => ({ ...endpoint, cell })),
    };
    assert.deepEqual(map(row, endpointOf(row)), map(reversed, endpointOf(reversed)));
  });

  it('hashes bytes as it hashes ASCII text', () => {
    const bytes = new TextEncoder().encode('/users/alice/');
    assert.equal(hashBytes(bytes, 7, 12), hashText('alice'));
    assert.notEqual(hashText('alice'), hashText('alicf'));
  });
});
