import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadOptimizer } from '../../src/placement/program/highs.ts';
import { checkSeeds } from './feasibility.ts';

test('answers and all states on the way hold, for 600 random problems (make placement-check: 100,000)', async () => {
  const { problems, steps, faults } = checkSeeds(1, 300, await loadOptimizer());
  assert.deepEqual(faults, []);
  assert.equal(problems, 600);
  assert.ok(steps > 600);
});

test('a column that is hardly asked for is served no more than that, although load programs are less exact', async () => {
  assert.deepEqual(checkSeeds(21_592, 1, await loadOptimizer()).faults, []);
});
