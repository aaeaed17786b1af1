import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FrameWriter } from './frame-writer.ts';

test('what was taken to be written stays as it is until nobody reads it', () => {
  const frames = new FrameWriter();
  frames.data(1, new Uint8Array(20_000).fill(1), 0, 16_384, false);
  const view = frames.take();
  const was = [...view];
  for (let i = 0; i < 4; i++) {
    const other = new FrameWriter();
    for (const writer of [frames, other]) {
      writer.length = 0;
      writer.data(1, new Uint8Array(20_000).fill(2), 0, 16_384, false);
    }
    other.take();
    other.release();
    assert.deepEqual([...view], was);
  }
  frames.release();
});

test('a long body takes the same buffers over and over', () => {
  const frames = new FrameWriter();
  const body = new Uint8Array(16_384);
  const used = new Set<ArrayBufferLike>();
  for (let turn = 0; turn < 100; turn++) {
    for (let i = 0; i < 4; i++) frames.data(1, body, 0, body.length, false);
    used.add(frames.take().buffer);
    frames.release();
  }
  assert.ok(used.size <= 2, `${used.size} buffers`);
});
