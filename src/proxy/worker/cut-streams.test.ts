import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CutStreams } from './cut-streams.ts';

test('streams that we have reset are known until the client has ended them', () => {
  const cut = new CutStreams();
  cut.add(5);
  assert.deepEqual([cut.has(3), cut.has(5), cut.has(7)], [false, true, false]);
  cut.ended(5);
  assert.equal(cut.has(5), false);
});

test('of many, the oldest are forgotten: then nothing is held against any stream so old', () => {
  const cut = new CutStreams();
  for (let id = 1; id < 4000; id += 2) cut.add(id);
  for (let id = 1; id < 4000; id += 2) assert.equal(cut.has(id), true);
  assert.equal(cut.has(4001), false);
});
