import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { capOf, divideCap, weightsOf } from './weights.ts';

const cell = (name: string, load: number, old: number | null = null) => ({ name, load, old });

describe('weightsOf', () => {
  it('divides by largest remainder, ties by name', () => {
    const cells = [cell('c', 1), cell('a', 1), cell('b', 1)];
    assert.deepEqual(weightsOf(cells, 100), [33, 34, 33]);
  });

  it('keeps 1 for an instance without load, taken from the largest', () => {
    assert.deepEqual(weightsOf([cell('a', 99.9), cell('b', 0), cell('c', 0.1)], 100), [98, 1, 1]);
  });

  it('keeps the weights of a column without load, else makes them equal', () => {
    assert.deepEqual(weightsOf([cell('a', 0, 87), cell('b', 0, 13)]), [87, 13]);
    assert.deepEqual(weightsOf([cell('a', 0), cell('b', 0)]), [1, 1]);
  });

  it('sums to the scale and is nowhere a unit off, but for the ones', () => {
    const loads = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(loads, (each) => {
        const total = each.reduce((a, b) => a + b, 0);
        fc.pre(total > 0 && Number.isFinite(10_000 / total));
        const weights = weightsOf(each.map((load, at) => cell(`h${at}`, load)));
        assert.equal(
          weights.reduce((a, b) => a + b, 0),
          10_000,
        );
        const small = each.filter((load) => (10_000 * load) / total < 1).length;
        for (const [at, weight] of weights.entries()) {
          assert.ok(weight >= 1 && Math.abs(weight - (10_000 * each[at]!) / total) <= 1 + small);
        }
      }),
    );
  });
});

describe('caps', () => {
  it('are Little’s number with room for chance, below the peak and the host’s', () => {
    assert.equal(capOf(100, 0.25, 0, 0), 25 + 15 + 1);
    assert.equal(capOf(1, 0.1, 0, 0), 4);
    assert.equal(capOf(100, 0.25, 30.9, 0), 30);
    assert.equal(capOf(100, 0.25, 0, 16), 16);
    assert.equal(capOf(100, 0, 30, 16), null);
  });

  it('are divided by traffic, at least 1 each', () => {
    assert.deepEqual(divideCap(10, [3, 1, 0]), [7, 2, 1]);
    assert.deepEqual(divideCap(2, [5, 5, 5]), [1, 1, 1]);
    assert.deepEqual(divideCap(9, [0, 0]), [5, 4]);
  });
});
