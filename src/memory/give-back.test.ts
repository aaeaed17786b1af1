import assert from 'node:assert/strict';
import { memoryUsage } from 'node:process';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';

import { giveBack } from './give-back.ts';

test('what nobody holds is collected, and its memory is given back', async () => {
  let garbage: object[] | null = Array.from({ length: 300_000 }, (_, i) => ({ i, text: `${i}` }));
  const reference = new WeakRef(garbage);
  const before = memoryUsage().heapTotal;
  garbage = null;
  // A WeakRef holds what it refers to until the turn is over.
  await turn();
  giveBack();
  assert.equal(reference.deref(), undefined);
  assert.ok(memoryUsage().heapTotal < before - 10_000_000);
});

test('a script that is run later has no way to collect', () => {
  giveBack();
  assert.equal(runInNewContext('typeof gc'), 'undefined');
});
