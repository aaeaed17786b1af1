/** What goes out on a stream as DATA: under the windows of the stream and its connection, and behind what waits for them. */
import { giveBufferBack, lendBuffer } from '../../http/lent-buffers.ts';
import type { FrameWriter } from '../../http2/frame-writer.ts';
import { FRAME_HEAD, FRAME_SIZE, MOST_WINDOW } from '../../http2/frames.ts';
import { mostBlock, writeTrailerBlock } from '../../http2/hpack-writer.ts';

/** The connection that carries the stream, as far as that concerns it. */
export interface Outlet {
  readonly frames: FrameWriter;
  /** Bytes of DATA that the peer takes from all streams together. */
  window: number;
  /** What was written waits for the kernel: content has to wait, too. */
  readonly isBlocked: boolean;
  /** There are frames to be written, at the end of the turn. */
  mark(): void;
  /** They are many already: they are written now. The connection is not lost by that before the turn ends. */
  relieve(): void;
  /** It waits for a window, or for the kernel. */
  wait(outflow: Outflow): void;
}

/** Frames that are not to wait for the end of a turn. */
const MANY = 65_536;

export class Outflow {
  id = 0;
  /** Bytes of DATA that the peer takes of this stream. */
  window = 0;
  /** Its end, or a reset, is said. */
  isOver = false;
  private readonly outlet: Outlet;
  /** Called when nothing waits any more. */
  private readonly drained: () => void;
  /** The content ends with what is in the queue. */
  private ending = false;
  /** Lines that follow it, in HTTP/1.1; null = none. */
  private trailers: readonly number[] | null = null;
  private queue: Uint8Array | null = null;
  private queueStart = 0;
  private queueEnd = 0;

  constructor(outlet: Outlet, drained: () => void) {
    this.outlet = outlet;
    this.drained = drained;
  }

  /** Anew, for another stream. */
  begin(id: number, window: number): void {
    this.id = id;
    this.window = window;
    this.isOver = this.ending = false;
    this.trailers = null;
    this.empty();
  }

  /** The peer takes more, or less, of it. @returns false where no window may be so large (RFC 9113 §6.9.1) */
  widen(bytes: number): boolean {
    this.window += bytes;
    return this.window <= MOST_WINDOW;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.queueEnd - this.queueStart;
  }

  get isWaiting(): boolean {
    return this.queue !== null;
  }

  /** Sends `bytes[start … end)`, or keeps a copy until it may. */
  put(bytes: Uint8Array, start: number, end: number): void {
    if (this.isOver || this.ending) return;
    this.add(bytes, start, end);
  }

  /** The same, and the stream ends with it. @param trailers lines, each with its CRLF */
  end(bytes: Uint8Array, start: number, end: number, trailers: readonly number[] | null): void {
    if (this.isOver || this.ending) return;
    this.ending = true;
    this.trailers = trailers;
    this.add(bytes, start, end);
  }

  /** Nothing more is sent: the stream was reset, or ended with its head. */
  stop(): void {
    this.isOver = true;
    this.empty();
  }

  private empty(): void {
    if (this.queue !== null) giveBufferBack(this.queue);
    this.queue = null;
    this.queueStart = this.queueEnd = 0;
  }

  private add(bytes: Uint8Array, start: number, end: number): void {
    const sent = this.queue === null ? this.send(bytes, start, end) : start;
    if (sent === end && this.queue === null) return;
    this.enqueue(bytes, sent, end);
    this.outlet.wait(this);
  }

  /** As much as the windows let through. @returns the offset behind what was sent */
  private send(bytes: Uint8Array, start: number, end: number): number {
    const { outlet, trailers } = this;
    const { frames } = outlet;
    let p = start;
    while (p < end && !outlet.isBlocked) {
      const size = Math.min(end - p, FRAME_SIZE, this.window, outlet.window);
      if (size <= 0) break;
      const isLast = this.ending && p + size === end && trailers === null;
      frames.data(this.id, bytes, p, p + size, isLast);
      this.window -= size;
      outlet.window -= size;
      p += size;
      if (frames.length >= MANY) outlet.relieve();
    }
    if (p === end && this.ending) this.sayEnd(trailers, start === end);
    if (p > start || this.isOver) outlet.mark();
    return p;
  }

  private sayEnd(trailers: readonly number[] | null, isEmpty: boolean): void {
    const { frames } = this.outlet;
    this.isOver = true;
    if (trailers !== null && trailers.length > 0) {
      frames.room(FRAME_HEAD + mostBlock(trailers.length));
      const start = frames.length;
      frames.length = writeTrailerBlock(trailers, frames.bytes, start + FRAME_HEAD);
      frames.headers(start, this.id, true);
    } else if (isEmpty || trailers !== null) {
      frames.data(this.id, NOTHING, 0, 0, true);
    }
  }

  private enqueue(bytes: Uint8Array, start: number, end: number): void {
    const { queue, waiting } = this;
    if (queue === null || this.queueEnd + end - start > queue.length) {
      const larger = lendBuffer(waiting + end - start);
      if (queue !== null) {
        larger.set(queue.subarray(this.queueStart, this.queueEnd));
        giveBufferBack(queue);
      }
      this.queue = larger;
      this.queueStart = 0;
      this.queueEnd = waiting;
    }
    this.queue!.set(bytes.subarray(start, end), this.queueEnd);
    this.queueEnd += end - start;
  }

  /** The windows, or the kernel, take more. @returns whether it has to wait on */
  goOn(): boolean {
    const { queue } = this;
    if (queue === null) return false;
    this.queueStart = this.send(queue, this.queueStart, this.queueEnd);
    if (this.queueStart < this.queueEnd) return true;
    this.empty();
    this.drained();
    return false;
  }
}

/** Those of a connection that wait for a window, or for the kernel. */
export class WaitingOutflows {
  private waiting: Outflow[] = [];

  add(outflow: Outflow): void {
    if (!this.waiting.includes(outflow)) this.waiting.push(outflow);
  }

  /** Windows have opened, or the kernel takes more: each stream in its turn. */
  goOn(): void {
    if (this.waiting.length === 0) return;
    for (const outflow of this.waiting.splice(0)) if (outflow.goOn()) this.add(outflow);
  }

  clear(): void {
    this.waiting.length = 0;
  }
}

const NOTHING = new Uint8Array(0);
