import assert from 'node:assert/strict';
import { test } from 'node:test';

import { maxConnections } from './descriptors.ts';

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             1000                 1000                 processes
Max open files            ${soft}                 1048576              files
`;

test('half of what the descriptor limit leaves', () => {
  assert.equal(maxConnections(2, limits('1024')), (1024 - 128 - 16) / 2);
  assert.equal(maxConnections(8, limits('65536')), (65536 - 128 - 64) / 2);
  assert.equal(maxConnections(2, limits('128')), 32);
  assert.ok(maxConnections(1) > 0);
});
