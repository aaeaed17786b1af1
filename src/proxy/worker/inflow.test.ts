/** What comes in on a stream, whose reader stops and goes on at any moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { FrameWriter } from '../../http2/frame-writer.ts';
import { FRAME, FRAME_HEAD } from '../../http2/frames.ts';
import { READ_SIZE } from './buffers.ts';
import { ConnectionInflow, Inflow } from './inflow.ts';

const WINDOW = 65_535;

/** What the WINDOW_UPDATEs in there give to a stream. */
function credits(frames: FrameWriter, id: number): number {
  const view = Buffer.from(frames.take());
  frames.length = 0;
  let sum = 0;
  for (let p = 0; p < view.length; p += FRAME_HEAD + view.readUIntBE(p, 3)) {
    assert.equal(view[p + 3], FRAME.windowUpdate);
    assert.equal(view.readUInt32BE(p + 5), id);
    sum += view.readUInt32BE(p + FRAME_HEAD);
  }
  return sum;
}

test('all of it arrives once and in order, no more is kept than the window, and a peer that is read gets on', () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('data' as const), size: fc.integer({ min: 1, max: 16_384 }) }),
    fc.record({ type: fc.constant('pause' as const), size: fc.constant(0) }),
    fc.record({ type: fc.constant('resume' as const), size: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [frames, reader, into] = [new FrameWriter(), { paused: false }, new Uint8Array(READ_SIZE)];
      const inflow = new Inflow({ frames, mark: () => undefined }, reader, WINDOW);
      inflow.begin(5);
      const got: number[] = [];
      let [sent, allowed, kept] = [0, WINDOW, 0];
      const deliver = () => {
        for (let length = 0; (length = inflow.takeKept(into)) > 0;) {
          got.push(...into.subarray(0, length));
          kept -= length;
        }
      };
      const send = (most: number) => {
        const size = Math.min(most, allowed);
        if (size === 0) return;
        allowed -= size;
        assert.equal(inflow.frameBegins(size), true);
        const bytes = Uint8Array.from({ length: size }, () => sent++ % 251);
        if (inflow.isKeeping) {
          inflow.keep(bytes, 0, bytes.length);
          kept += size;
        } else got.push(...bytes);
        inflow.giveCredit();
        allowed += credits(frames, 5);
      };
      for (const { type, size } of steps) {
        if (type === 'data') {
          send(size);
        } else if (type === 'pause') {
          reader.paused = true;
        } else {
          reader.paused = false;
          deliver();
          inflow.giveCredit();
          allowed += credits(frames, 5);
        }
        assert.ok(kept <= WINDOW);
      }
      reader.paused = false;
      deliver();
      inflow.giveCredit();
      allowed += credits(frames, 5);
      assert.ok(allowed > WINDOW / 2, `it may send ${allowed}`);
      assert.equal(got.length, sent);
      assert.ok(got.every((byte, i) => byte === i % 251));
      assert.equal(inflow.frameBegins(allowed + 1), false, 'more than the window');
    }),
  );
});

test('what is taken is never more than there is room for', () => {
  const inflow = new Inflow({ frames: new FrameWriter(), mark: () => undefined }, { paused: true }, 1 << 20);
  inflow.begin(1);
  for (let each = 0; each < 6; each++) inflow.keep(new Uint8Array(16_384), 0, 16_384);
  const into = new Uint8Array(READ_SIZE - 1);
  const lengths = Array.from({ length: 4 }, () => inflow.takeKept(into));
  assert.deepEqual(lengths, [READ_SIZE - 1, 2 * 16_384 + 1, 0, 0]);
  // a read is a read, however large what it is put into
  for (const size of [16_384, 16_384, 16_384, 16_384, 5]) inflow.keep(new Uint8Array(size), 0, size);
  const larger = new Uint8Array(READ_SIZE + 8);
  assert.deepEqual([inflow.takeKept(larger), inflow.takeKept(larger)], [READ_SIZE, 5]);
});

test('an object that serves another stream knows nothing of the one before', () => {
  const frames = new FrameWriter();
  const inflow = new Inflow({ frames, mark: () => undefined }, { paused: false }, WINDOW);
  inflow.begin(1);
  inflow.frameBegins(WINDOW);
  inflow.keep(new Uint8Array(3), 0, 3);
  inflow.endIsKept = true;
  inflow.begin(3);
  assert.deepEqual([inflow.hasKept, inflow.isKeeping, inflow.takeKept(new Uint8Array(READ_SIZE))], [false, false, 0]);
  assert.equal(inflow.frameBegins(WINDOW), true);
  inflow.giveCredit();
  assert.equal(credits(frames, 3), WINDOW);
});

test('a connection’s window opens by itself, and more than it is a fault', () => {
  const frames = new FrameWriter();
  const inflow = new ConnectionInflow({ frames, mark: () => undefined }, 1000);
  assert.equal(inflow.frameBegins(500), true);
  assert.equal(credits(frames, 0), 0);
  assert.equal(inflow.frameBegins(1), true);
  assert.equal(credits(frames, 0), 501);
  assert.equal(inflow.frameBegins(1000), true);
  assert.equal(credits(frames, 0), 1000);
  assert.equal(inflow.frameBegins(1001), false);
});
