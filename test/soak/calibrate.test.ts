import assert from 'node:assert/strict';
import { test } from 'node:test';

import { limitOf, type Step } from './calibrate.ts';

const step = (rest: Partial<Step>): Step => ({
  rate: 1_000,
  through: 990,
  notSent: 0,
  open: 30,
  failed: 0,
  busy: 0.7,
  clients: 0.6,
  ...rest,
});

test('a rate is kept where it came through with room to spare, else it is told why not', () => {
  assert.equal(limitOf(step({})), null);
  assert.match(limitOf(step({ busy: 0.96 })) ?? '', /processors are full/);
  assert.match(limitOf(step({ clients: 0.99 })) ?? '', /clients' thread is full/);
  assert.match(limitOf(step({ notSent: 1 })) ?? '', /not sent/);
  assert.match(limitOf(step({ open: 300 })) ?? '', /300 requests were under way/);
  assert.match(limitOf(step({ through: 900 })) ?? '', /900\/s came through/);
  assert.match(limitOf(step({ failed: 2, failure: 'HEAD: reset' })) ?? '', /2 requests failed \(HEAD: reset\)/);
});
