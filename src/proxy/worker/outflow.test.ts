/** What goes out on a stream, under windows of any size and a kernel that takes nothing at times. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { type FrameHandler, FrameReader } from '../../http2/frame-reader.ts';
import { FrameWriter } from '../../http2/frame-writer.ts';
import { FRAME_SIZE } from '../../http2/frames.ts';
import { HpackDecoder } from '../../http2/hpack-decoder.ts';
import { Outflow } from './outflow.ts';

/** What a client gets. */
class Received implements FrameHandler {
  readonly bytes: number[] = [];
  trailers: readonly string[] | null = null;
  ended = false;
  largest = 0;
  private readonly decoder = new HpackDecoder(65_536);

  dataBegins(id: number, size: number): number {
    assert.equal(id, 1);
    assert.equal(this.ended, false);
    this.largest = Math.max(this.largest, size);
    return 0;
  }
  data(_id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    this.bytes.push(...bytes.subarray(start, end));
    this.ended ||= ended;
    return 0;
  }
  headers(_id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    assert.equal(ended, true);
    assert.equal(this.ended, false);
    assert.equal(this.decoder.decode(bytes, start, end), true);
    this.trailers = this.decoder.fields;
    this.ended = true;
    return 0;
  }
  reset = () => 1;
  setting = () => 0;
  settingsEnd(): void {}
  settingsAck(): void {}
  ping(): void {}
  goAway(): void {}
  windowUpdate = () => 1;
  overhead = () => 0;
}

/** What is many, one frame, and what else a stream says. */
const MOST_AT_ONCE = 65_536 + FRAME_SIZE + 100;

/** Mostly so small that windows matter, and now and then more than is written at once. */
const sizes = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 30_000 }), weight: 4 },
  { arbitrary: fc.integer({ min: 60_000, max: 300_000 }), weight: 1 },
);
const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant('put' as const), size: sizes }),
    fc.record({ type: fc.constant('stream' as const), size: sizes }),
    fc.record({ type: fc.constant('connection' as const), size: sizes }),
    fc.record({ type: fc.constant('kernel' as const), size: fc.integer({ min: 0, max: 1 }) }),
  ),
  { maxLength: 30 },
);

test('all of it arrives, in its order, with its end behind it, and never more than a window lets through', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(null, 'x-sum: 5\r\n', ''), (all, trailers) => {
      const outlet = {
        frames: new FrameWriter(),
        window: 1000,
        isBlocked: false as boolean,
        mark() {},
        wait() {},
        relieve: () => read(),
      };
      let drained = 0;
      const outflow = new Outflow(outlet, () => drained++);
      outflow.begin(1, 500);
      let [stream, connection, sent] = [500, 1000, 0];
      const given: number[] = [];
      const received = new Received();
      const reader = new FrameReader(received, 'server');
      const pieces = [...outlet.frames.take()];
      outlet.frames.settings([]);
      const read = () => {
        const bytes = outlet.frames.take();
        assert.ok(bytes.length < MOST_AT_ONCE, `${bytes.length} bytes at once`);
        assert.equal(reader.read(bytes, 0, bytes.length), 0);
        sent = received.bytes.length;
        assert.ok(sent <= stream && sent <= connection);
        outlet.frames.release();
      };
      assert.equal(pieces.length, 0);
      for (const { type, size } of all) {
        if (type === 'put') {
          const bytes = Uint8Array.from({ length: size }, (_, i) => (given.length + i) & 255);
          for (const byte of bytes) given.push(byte);
          outflow.put(bytes, 0, bytes.length);
        } else if (type === 'kernel') outlet.isBlocked = size === 1;
        else if (type === 'stream') {
          outflow.window += size;
          stream += size;
        } else {
          outlet.window += size;
          connection += size;
        }
        outflow.goOn();
        read();
        assert.equal(outflow.waiting, given.length - sent);
      }
      outflow.end(new Uint8Array(0), 0, 0, trailers === null ? null : [...Buffer.from(trailers)]);
      outflow.put(Uint8Array.of(1), 0, 1);
      outlet.isBlocked = false;
      outflow.window += given.length;
      outlet.window += given.length;
      [stream, connection] = [Infinity, Infinity];
      assert.equal(outflow.goOn(), false);
      read();
      assert.deepEqual(received.bytes, given);
      assert.equal(received.ended, true);
      assert.equal(outflow.isOver, true);
      assert.deepEqual(received.trailers, trailers === 'x-sum: 5\r\n' ? ['x-sum', '5'] : null);
      assert.ok(received.largest <= FRAME_SIZE);
    }),
    { numRuns: 200 },
  );
});
