import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backoff } from './backoff.ts';

test('at once, then doubling, bounded', () => {
  assert.deepEqual([0, 1, 2, 3, 8, 9, 1000].map(backoff), [0, 100, 200, 400, 10_000, 10_000, 10_000]);
});
