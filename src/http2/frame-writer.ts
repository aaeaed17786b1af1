/** Frames of ours, put behind one another until they are written. */
import { giveBufferBack, lendBuffer } from '../http/lent-buffers.ts';
import { FLAG, FRAME, FRAME_HEAD, FRAME_SIZE, writeFrameHead, writeUint32 } from './frames.ts';

const NOTHING = new Uint8Array(0);

export class FrameWriter {
  bytes: Uint8Array = NOTHING;
  length = 0;
  /** What was taken lies in it. */
  private taken: Uint8Array = NOTHING;

  /** What there is, to be written: it stays as it is until `release`, and what comes about meanwhile goes to another buffer. */
  take(): Uint8Array {
    const view = this.bytes.subarray(0, this.length);
    this.taken = this.bytes;
    this.bytes = NOTHING;
    this.length = 0;
    return view;
  }

  /** Nobody reads what was taken any more. */
  release(): void {
    giveBufferBack(this.taken);
    this.taken = NOTHING;
  }

  /** Makes room for `size` bytes more. */
  room(size: number): void {
    const length = this.length + size;
    if (length <= this.bytes.length) return;
    const larger = lendBuffer(length);
    larger.set(this.bytes.subarray(0, this.length));
    giveBufferBack(this.bytes);
    this.bytes = larger;
  }

  /** A block that was written behind a place for a frame's head (`start`), up to `length`: CONTINUATION where it is long. */
  headers(start: number, id: number, ended: boolean): void {
    const size = this.length - start - FRAME_HEAD;
    const flags = ended ? FLAG.endStream : 0;
    if (size <= FRAME_SIZE) {
      writeFrameHead(this.bytes, start, size, FRAME.headers, flags | FLAG.endHeaders, id);
      return;
    }
    const further = Math.ceil(size / FRAME_SIZE) - 1;
    this.room(further * FRAME_HEAD);
    const { bytes } = this;
    // from the last piece to the first, each moves by the heads in front of it
    for (let i = further; i > 0; i--) {
      const from = start + FRAME_HEAD + i * FRAME_SIZE;
      const length = Math.min(FRAME_SIZE, size - i * FRAME_SIZE);
      bytes.copyWithin(from + i * FRAME_HEAD, from, from + length);
      const isLast = i === further ? FLAG.endHeaders : 0;
      writeFrameHead(bytes, from + (i - 1) * FRAME_HEAD, length, FRAME.continuation, isLast, id);
    }
    writeFrameHead(bytes, start, FRAME_SIZE, FRAME.headers, flags, id);
    this.length += further * FRAME_HEAD;
  }

  /** At most FRAME_SIZE bytes. */
  data(id: number, from: Uint8Array, start: number, end: number, ended: boolean): void {
    const size = end - start;
    this.room(FRAME_HEAD + size);
    const at = writeFrameHead(this.bytes, this.length, size, FRAME.data, ended ? FLAG.endStream : 0, id);
    this.bytes.set(from.subarray(start, end), at);
    this.length = at + size;
  }

  /** Numbers and values in turn. */
  settings(list: readonly number[]): void {
    this.room(FRAME_HEAD + 3 * list.length);
    let at = writeFrameHead(this.bytes, this.length, 3 * list.length, FRAME.settings, 0, 0);
    for (let i = 0; i < list.length; i += 2) {
      this.bytes[at] = 0;
      this.bytes[at + 1] = list[i]!;
      at = writeUint32(this.bytes, at + 2, list[i + 1]!);
    }
    this.length = at;
  }

  settingsAck(): void {
    this.room(FRAME_HEAD);
    this.length = writeFrameHead(this.bytes, this.length, 0, FRAME.settings, FLAG.ack, 0);
  }

  /** `opaque[start … start + 8)`; null: eight zeros, of our own. */
  ping(opaque: Uint8Array | null, start: number): void {
    this.room(FRAME_HEAD + 8);
    const at = writeFrameHead(this.bytes, this.length, 8, FRAME.ping, opaque === null ? 0 : FLAG.ack, 0);
    for (let i = 0; i < 8; i++) this.bytes[at + i] = opaque === null ? 0 : opaque[start + i]!;
    this.length = at + 8;
  }

  reset(id: number, code: number): void {
    this.word(FRAME.reset, id, code);
  }

  windowUpdate(id: number, bytes: number): void {
    this.word(FRAME.windowUpdate, id, bytes);
  }

  /** `last`: of the peer's streams, the last one that is looked at. */
  goAway(last: number, code: number): void {
    this.room(FRAME_HEAD + 8);
    const at = writeFrameHead(this.bytes, this.length, 8, FRAME.goAway, 0, 0);
    this.length = writeUint32(this.bytes, writeUint32(this.bytes, at, last), code);
  }

  private word(type: number, id: number, value: number): void {
    this.room(FRAME_HEAD + 4);
    this.length = writeUint32(this.bytes, writeFrameHead(this.bytes, this.length, 4, type, 0, id), value);
  }
}
