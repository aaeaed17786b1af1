import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { seededRandom } from '../placement/random.ts';
import { addRow, forget, newEquations, solveNonNegative } from './normal-equations.ts';

const rows = (size: number, count: number, random: () => number) =>
  Array.from({ length: count }, () => Array.from({ length: size }, () => random() * 10 - 3));

test('what rows were made of is found again, whatever the units', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 1e-6, 0.3, 7, 1e6), { minLength: 1, maxLength: 8 }),
      fc.nat(),
      (truth, seed) => {
        const equations = newEquations(truth.length);
        for (const row of rows(truth.length, 60, seededRandom(seed))) {
          const units = row.map((each, at) => each / (truth[at]! || 1));
          addRow(
            equations,
            units,
            units.reduce((sum, each, at) => sum + each * truth[at]!, 0),
          );
        }
        const { values } = solveNonNegative(equations)!;
        for (const [at, value] of values.entries()) {
          assert.ok(Math.abs(value - truth[at]!) <= 1e-5 * (truth[at]! || 1), `${value} for ${truth[at]!}`);
        }
      },
    ),
  );
});

test('no value is below 0, and none of them alone could be changed for the better', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.nat(), (size, seed) => {
      const random = seededRandom(seed);
      const data = rows(size, 30, random).map((row) => ({ row, y: random() * 10 - 5 }));
      const equations = newEquations(size);
      for (const { row, y } of data) addRow(equations, row, y);
      const { values, residual } = solveNonNegative(equations)!;
      const loss = (of: readonly number[]) =>
        data.reduce((sum, { row, y }) => sum + (y - row.reduce((f, each, i) => f + each * of[i]!, 0)) ** 2, 0);
      const least = loss(values);
      assert.ok(residual >= 0);
      for (const at of values.keys()) {
        assert.ok(values[at]! >= 0);
        for (const step of [-1e-3, 1e-3]) {
          if (values[at]! + step < 0) continue;
          assert.ok(loss(values.with(at, values[at]! + step)) >= least - 1e-6, `value ${at}`);
        }
      }
    }),
  );
});

test('the errors are as large as they are said to be', () => {
  const off: number[] = [];
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    const equations = newEquations(2);
    for (let each = 0; each < 100; each++) {
      const x = random() * 10;
      addRow(equations, [1, x], 5 + 2 * x + (random() + random() + random() - 1.5) * 4);
    }
    const { values, covariance } = solveNonNegative(equations)!;
    off.push((values[1]! - 2) ** 2 / covariance[3]!);
  }
  const mean = off.reduce((sum, each) => sum + each, 0) / off.length;
  assert.ok(mean > 0.7 && mean < 1.4, `the squares of the errors are ${mean} times what was said`);
});

test('what is forgotten counts less, and nothing at all is no solution', () => {
  const equations = newEquations(1);
  assert.equal(solveNonNegative(equations), null);
  for (let each = 0; each < 10; each++) addRow(equations, [1], 1);
  forget(equations, 0.1);
  for (let each = 0; each < 9; each++) addRow(equations, [1], 2);
  assert.ok(Math.abs(solveNonNegative(equations)!.values[0]! - 1.9) < 1e-6);
});
