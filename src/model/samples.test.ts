import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sampledBy } from './samples.ts';

test('the more proxies there are, the fewer endpoints each of them looks at', () => {
  assert.deepEqual([0, 1, 10, 11, 20, 80, 1000].map(sampledBy), [64, 64, 64, 58, 32, 8, 8]);
});
