import assert from 'node:assert/strict';
import { test } from 'node:test';

import { giveBufferBack, LARGE_BUFFER, lendBuffer, saveLentBuffers } from './lent-buffers.ts';

test('a buffer that was given back is lent again, to whoever has use for its size', () => {
  for (const size of [1, 16_384, 16_385, LARGE_BUFFER]) {
    const first = lendBuffer(size);
    assert.ok(first.length >= size);
    assert.notEqual(lendBuffer(size), first);
    giveBufferBack(first);
    assert.equal(lendBuffer(size), first);
  }
});

test('only so many rest, and none that is larger', () => {
  const many = Array.from({ length: 200 }, () => lendBuffer(LARGE_BUFFER));
  for (const each of many) giveBufferBack(each);
  const again = new Set(Array.from({ length: 200 }, () => lendBuffer(LARGE_BUFFER)));
  const kept = many.filter((each) => again.has(each)).length;
  assert.ok(kept > 0 && kept <= 64, `${kept} were kept`);
  const larger = lendBuffer(LARGE_BUFFER + 1);
  giveBufferBack(larger);
  assert.notEqual(lendBuffer(LARGE_BUFFER + 1), larger);
});

test('none rests where memory is short', (t) => {
  t.after(() => saveLentBuffers(false));
  const [before, after] = [lendBuffer(LARGE_BUFFER), lendBuffer(1)];
  giveBufferBack(before);
  saveLentBuffers(true);
  giveBufferBack(after);
  assert.notEqual(lendBuffer(LARGE_BUFFER), before);
  assert.notEqual(lendBuffer(1), after);
});
