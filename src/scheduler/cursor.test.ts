import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { takePosition } from './cursor.ts';

describe('takePosition', () => {
  it('counts round the period', () => {
    const cursors = new Uint32Array(2);
    const taken = Array.from({ length: 7 }, () => takePosition(cursors, 1, 3));
    assert.deepEqual(taken, [0, 1, 2, 0, 1, 2, 0]);
    assert.deepEqual([...cursors], [0, 7]);
  });

  it('goes on as if nothing had happened where it sets the cursor back', () => {
    const period = fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.integer({ min: 1, max: 2 ** 26 }));
    const start = fc.oneof(
      fc.integer({ min: 2 ** 31 - 5, max: 2 ** 31 + 5 }),
      fc.integer({ min: 2 ** 31, max: 2 ** 32 - 2 }),
    );
    fc.assert(
      fc.property(period, start, (length, first) => {
        const cursors = Uint32Array.of(first);
        for (let i = 0; i < 20; i++) assert.equal(takePosition(cursors, 0, length), (first + i) % length);
        assert.ok(cursors.every((cursor) => cursor < 2 ** 31 + 20));
      }),
    );
  });

  it('sets it back once, when another worker does so at the same moment', (t) => {
    const cursors = Uint32Array.of(2 ** 31 + 1);
    const load = Atomics.load.bind(Atomics);
    let others = 2;
    // Between the look at the cursor and setting it back, two others draw and set it back themselves.
    t.mock.method(Atomics, 'load', (array: Uint32Array, index: number) => {
      const seen = load(array, index);
      if (others-- > 0) takePosition(cursors, 0, 7);
      return seen;
    });
    const taken = [takePosition(cursors, 0, 7), takePosition(cursors, 0, 7)];
    assert.deepEqual(taken, [(2 ** 31 + 1) % 7, (2 ** 31 + 4) % 7]);
    assert.ok(load(cursors, 0) < 2 ** 31);
  });
});
