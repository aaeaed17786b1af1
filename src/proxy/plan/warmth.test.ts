import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { WARM } from '../../model/plan.ts';
import { buildSchedule, periodOf } from '../../scheduler/schedule.ts';
import { scaleWeights } from './warmth.ts';

interface Given {
  readonly weight: number;
  /** 0: not available. */
  readonly warmths: readonly number[];
}

/** The cells' weights, scaled, and the warmth that the endpoints are left with. */
function scaled(given: readonly Given[]) {
  const cells = given.map(({ weight, warmths }) => ({
    weight,
    scaled: -1,
    available: warmths.some((each) => each > 0),
  }));
  const endpoints = given.flatMap(({ warmths }, cell) =>
    warmths.map((warmth) => ({ cell, available: warmth > 0, warmth: warmth || 1 })),
  );
  scaleWeights(cells, endpoints);
  return { weights: cells.map((cell) => cell.scaled), warmths: endpoints.map(({ warmth }) => warmth) };
}

const cell = (weight: number, ...warmths: number[]): Given => ({ weight, warmths });

test('a cell has the part of its weight that its endpoints are warm', () => {
  assert.deepEqual(scaled([cell(1, WARM), cell(1, 1)]).weights, [10, 1]);
  assert.deepEqual(scaled([cell(87, WARM), cell(13, 5)]).weights, [174, 13]);
  assert.deepEqual(scaled([cell(1, WARM, WARM), cell(1, WARM, 2)]).weights, [5, 3], 'of two endpoints, one');
  assert.deepEqual(scaled([cell(4, WARM), cell(2, 0, 5)]).weights, [4, 1], 'of two, one of which is out');
});

test('nobody starts slowly where nothing is cold, or nothing warm', () => {
  assert.deepEqual(scaled([cell(2, WARM), cell(4, WARM, 0)]), { weights: [2, 4], warmths: [WARM, WARM, WARM] });
  assert.deepEqual(scaled([cell(2, 1), cell(4, 7)]), { weights: [2, 4], warmths: [WARM, WARM] });
  assert.deepEqual(scaled([cell(2, 1), cell(0, WARM)]), { weights: [2, 0], warmths: [WARM, WARM] }, 'weight 0');
});

test('what is not available keeps its weight, and says nothing about the others', () => {
  assert.deepEqual(scaled([cell(2, 0), cell(3, WARM), cell(3, 1)]).weights, [2, 10, 1]);
});

test('several cells of less than a unit have one each', () => {
  assert.deepEqual(scaled([cell(65_535, WARM), cell(1, 1), cell(1, 1)]).weights, [65_535, 1, 1]);
});

const warmth = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: WARM }), fc.constant(WARM));
const row = (most: number, cells: number) =>
  fc.array(fc.record({ weight: fc.nat(most), warmths: fc.array(warmth, { minLength: 1, maxLength: 5 }) }), {
    minLength: 1,
    maxLength: cells,
  });

/** One large cell, and some that are small and cold. */
const uneven = fc
  .array(fc.record({ weight: fc.integer({ min: 1, max: 20 }), warmths: fc.constant([1]) }), { maxLength: 8 })
  .map((small): Given[] => [cell(65_535, WARM), ...small]);

test('any row: integers that a schedule can be built of, in the right proportions, and none that should be is nothing', () => {
  fc.assert(
    fc.property(fc.oneof(row(100, 6), row(65_535, 40), uneven), (given) => {
      const { weights, warmths } = scaled(given);
      let at = 0;
      const wanted = given.map((each) => {
        const own = warmths.slice(at, (at += each.warmths.length)).filter((_, index) => each.warmths[index]! > 0);
        return own.length === 0 ? 0 : (each.weight * own.reduce((a, b) => a + b, 0)) / own.length;
      });
      const taken = weights.map((weight, index) => (wanted[index] === 0 ? 0 : weight));
      const [sum, wantedSum] = [taken, wanted].map((list) => list.reduce((a, b) => a + b, 0)) as [number, number];
      // What would be less than a unit has one all the same, which all others are short of.
      const raised = taken.filter((weight, index) => weight === 1 && wanted[index]! * sum < wantedSum).length;
      for (const [index, weight] of taken.entries()) {
        assert.ok(Number.isInteger(weight) && weight <= 65_535);
        assert.equal(weight > 0, wanted[index]! > 0);
        if (wantedSum > 0) assert.ok(Math.abs(weight / sum - wanted[index]! / wantedSum) <= (1 + raised) / 65_535);
      }
      if (sum > 0) assert.ok(periodOf(buildSchedule(taken)) <= sum);
    }),
  );
});

test('small weights are scaled exactly', () => {
  fc.assert(
    fc.property(row(100, 5), (given) => {
      const { weights, warmths } = scaled(given);
      let at = 0;
      const wanted = given.map((each) => {
        const own = warmths.slice(at, (at += each.warmths.length)).filter((_, index) => each.warmths[index]! > 0);
        // 60 divides by any number of endpoints here
        return own.length === 0 ? 0 : each.weight * own.reduce((a, b) => a + b, 0) * (60 / own.length);
      });
      for (const [i, a] of weights.entries()) {
        for (const [j, b] of weights.entries()) {
          if (wanted[i]! > 0 && wanted[j]! > 0) assert.equal(a * wanted[j]!, b * wanted[i]!);
        }
      }
    }),
  );
});
