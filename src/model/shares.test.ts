import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withShares } from './shares.ts';

const cell = (weight: number, available: boolean, epochRequests: number, scaled?: number) => ({
  server: 'd/h',
  app: null,
  weight,
  ...(scaled === undefined ? {} : { scaled }),
  available,
  epochRequests,
  requests: 0,
  retries: 0,
  sticky: 0,
  failures: 0,
});
const shares = (...cells: ReturnType<typeof cell>[]) =>
  withShares(cells).map(({ asked, askedAvailable, delivered }) => [asked, askedAvailable, delivered]);

test('what is asked by weight, over what is available, and what was delivered', () => {
  assert.deepEqual(shares(cell(1, true, 3), cell(2, false, 0), cell(1, true, 1)), [
    [0.25, 0.5, 0.75],
    [0.5, 0, 0],
    [0.25, 0.5, 0.25],
  ]);
  assert.deepEqual(shares(cell(0, true, 0)), [[0, 0, null]]);
});

test('while endpoints start slowly, what is asked over what is available follows the scaled weights', () => {
  assert.deepEqual(shares(cell(1, true, 10, 10), cell(1, true, 1, 1), cell(2, false, 0, 2)), [
    [0.25, 10 / 11, 10 / 11],
    [0.25, 1 / 11, 1 / 11],
    [0.5, 0, 0],
  ]);
});
