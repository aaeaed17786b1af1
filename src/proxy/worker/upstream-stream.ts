/**
 * A stream to a server, as who uses it knows a connection: HTTP/1.1 is written to it and read from it. What is written goes
 * out as frames of the connection that carries it; what the server says comes from there (see answer-bytes.ts).
 */
import type net from 'node:net';

import { ChunkedDecoder } from '../../http/chunked.ts';
import { websocketKey } from '../../http/websocket-key.ts';
import type { FrameWriter } from '../../http2/frame-writer.ts';
import { ERROR, FRAME_HEAD, FRAME_SIZE } from '../../http2/frames.ts';
import { mostBlock, writeTrailerBlock } from '../../http2/hpack-writer.ts';
import type { KnownHead } from '../../http2/known-heads.ts';
import { writeRequestBlock, written } from '../../http2/request-block.ts';
import { READ_SIZE } from './buffers.ts';
import type { Loss } from './loss.ts';
import type { WorkerState } from './state.ts';
import { STREAM_WINDOW } from './stream-preface.ts';
import { type Endpoint, Upstream, type UpstreamUser } from './upstream.ts';
import { acceptOf } from './websocket-accept.ts';

/** The connection that carries streams, as they know it. */
export interface Carrier {
  readonly socket: net.Socket;
  readonly secure: boolean;
  readonly frames: FrameWriter;
  /** Bytes of DATA that the server takes from all streams together. */
  window: number;
  /** What was written waits for the kernel: bodies have to wait, too. */
  readonly isBlocked: boolean;
  /** The next number for a stream, whose place is kept. */
  number(stream: UpstreamStream): void;
  /** There are frames to be written, at the end of the turn. */
  mark(): void;
  /** It waits for a window, or for the kernel. */
  wait(stream: UpstreamStream): void;
  /** It goes on to deliver what was kept while it was paused. */
  deliver(stream: UpstreamStream): void;
  /** The stream is over; `reusable`: its object may serve another request. */
  left(stream: UpstreamStream, reusable: boolean): void;
  /** A stream got no answer in time: is the server still there? */
  doubt(): void;
}

/** How the body of an answer comes. */
export const ANSWER = { head: 0, length: 1, chunked: 2, nothing: 3, tunnel: 4 } as const;
/** How long a server may take to end a stream whose answer is whole. */
const END_TIMEOUT = 1000;

export class UpstreamStream extends Upstream {
  readonly carrier: Carrier;
  /** 0: it has none yet, or none any more. */
  id = 0;
  isHead = false;
  /** A tunnel was asked for, and has not been refused. */
  isTunnel = false;
  /** What the client has to be told when it opens. */
  accept = '';
  /** Bytes of DATA that the server takes. */
  window = 0;
  localEnded = false;
  remoteEnded = false;

  // ---- the answer, kept by answer-bytes.ts
  answer = 0;
  answerLeft = 0;
  /** A head that waits for the DATA behind it. */
  head: KnownHead | null = null;
  /** Bytes of DATA that it may still send. */
  receiveLeft = 0;
  /** Bytes of DATA that were passed on, and that the server has not been told of. */
  passed = 0;
  /** What came while it was paused. */
  kept: Uint8Array[] | null = null;
  /** Bytes of DATA in there. */
  keptData = 0;
  /** The server's end of a tunnel came behind that. */
  endIsKept = false;

  // ---- the request
  private headSent = false;
  /** Bytes of the body that are still to come; −1 = chunks. */
  private bodyLeft = 0;
  private chunks: ChunkedDecoder | null = null;
  private queue: Uint8Array | null = null;
  private queueStart = 0;
  private queueEnd = 0;
  /** The body ends with what is in the queue. */
  private ending = false;
  /** Called when it has. */
  private whenEnded: (() => void) | null = null;

  constructor(state: WorkerState, endpoint: Endpoint, user: UpstreamUser, timeout: number, carrier: Carrier) {
    super(state, endpoint, user, timeout, false, carrier.socket);
    this.carrier = carrier;
  }

  /** Begins anew, for another request. */
  lendTo(user: UpstreamUser, deadline: number): void {
    this.user = user;
    this.held = null;
    this.sent = this.deaf = this.isHead = this.localEnded = this.remoteEnded = false;
    this.headSent = this.ending = this.endIsKept = false;
    this.isTunnel = user.upgrade;
    this.id = this.answer = this.answerLeft = this.passed = this.keptData = this.pending = 0;
    this.head = this.kept = this.queue = this.whenEnded = null;
    this.paused = false;
    this.receiveLeft = STREAM_WINDOW;
    this.deadline = deadline;
  }

  // ---- the request

  /** The head is written in one piece. */
  override write(view: Uint8Array): boolean {
    if (this.gone) return false;
    let p = 0;
    if (!this.headSent) p = this.sendHead(view);
    if (p < view.length && !this.localEnded && !this.ending) this.sendBody(view, p);
    return true;
  }

  private sendHead(view: Uint8Array): number {
    const { carrier } = this;
    const { frames } = carrier;
    carrier.number(this);
    frames.room(FRAME_HEAD + mostBlock(view.length));
    const start = frames.length;
    const known = this.user?.knownFields() ?? null;
    frames.length = writeRequestBlock(view, carrier.secure, this.isTunnel, known, frames.bytes, start + FRAME_HEAD);
    this.headSent = true;
    this.isHead = written.isHead;
    this.bodyLeft = written.bodyLength;
    this.localEnded = written.bodyLength === 0 && !this.isTunnel;
    if (this.isTunnel) this.accept = acceptOf(websocketKey(view));
    if (written.bodyLength < 0) (this.chunks ??= new ChunkedDecoder()).reset();
    frames.headers(start, this.id, this.localEnded);
    carrier.mark();
    return written.end;
  }

  private sendBody(view: Uint8Array, start: number): void {
    if (this.isTunnel) {
      this.put(view, start, view.length);
      return;
    }
    if (this.bodyLeft >= 0) {
      const end = Math.min(view.length, start + this.bodyLeft);
      this.bodyLeft -= end - start;
      this.ending = this.bodyLeft === 0;
      this.put(view, start, end);
      return;
    }
    const decoder = this.chunks!;
    if (data.length < view.length) data = new Uint8Array(view.length);
    this.ending = decoder.decode(view, start, view.length, data, 0) === 1;
    this.put(data, 0, decoder.written);
  }

  private put(bytes: Uint8Array, start: number, end: number): void {
    const sent = this.queue === null ? this.send(bytes, start, end) : start;
    if (sent === end && this.queue === null) return;
    this.enqueue(bytes, sent, end);
    this.pending = 1;
    this.carrier.wait(this);
  }

  /** As much as the windows let through. @returns the offset behind what was sent */
  private send(bytes: Uint8Array, start: number, end: number): number {
    const { carrier } = this;
    const { frames } = carrier;
    const trailers = this.ending ? (this.user?.requestTrailers() ?? null) : null;
    let p = start;
    while (p < end && !carrier.isBlocked) {
      const size = Math.min(end - p, FRAME_SIZE, this.window, carrier.window);
      if (size <= 0) break;
      const isLast = this.ending && p + size === end && trailers === null;
      frames.data(this.id, bytes, p, p + size, isLast);
      this.window -= size;
      carrier.window -= size;
      p += size;
    }
    if (p === end && this.ending) this.endRequest(trailers, start === end);
    if (p > start || this.localEnded) carrier.mark();
    return p;
  }

  private endRequest(trailers: readonly number[] | null, isEmpty: boolean): void {
    const { frames } = this.carrier;
    this.localEnded = true;
    if (trailers !== null) {
      frames.room(FRAME_HEAD + mostBlock(trailers.length));
      const start = frames.length;
      frames.length = writeTrailerBlock(trailers, frames.bytes, start + FRAME_HEAD);
      frames.headers(start, this.id, true);
    } else if (isEmpty) {
      frames.data(this.id, NOTHING, 0, 0, true);
    }
  }

  /** What a tunnel takes from the client ends, behind what waits. */
  override endSide(done?: () => void): void {
    if (this.gone) return;
    this.whenEnded = done ?? this.whenEnded;
    if (this.id > 0 && !this.localEnded) {
      this.ending = true;
      if (this.queue !== null) return;
      this.send(NOTHING, 0, 0);
    }
    this.whenEnded?.();
  }

  /** It is answered instead of opened: nothing more goes to the server. */
  tunnelRefused(): void {
    this.isTunnel = false;
    this.endSide();
  }

  private enqueue(bytes: Uint8Array, start: number, end: number): void {
    const waiting = this.queueEnd - this.queueStart;
    const { queue } = this;
    if (queue === null || this.queueEnd + end - start > queue.length) {
      const larger = new Uint8Array(2 * (waiting + end - start) + FRAME_SIZE);
      if (queue !== null) larger.set(queue.subarray(this.queueStart, this.queueEnd));
      this.queue = larger;
      this.queueStart = 0;
      this.queueEnd = queue === null ? 0 : waiting;
    }
    this.queue!.set(bytes.subarray(start, end), this.queueEnd);
    this.queueEnd += end - start;
  }

  /** The windows, or the kernel, take more. @returns whether it has to wait on */
  goOn(): boolean {
    const { queue } = this;
    if (this.gone || queue === null || this.id === 0) return false;
    this.queueStart = this.send(queue, this.queueStart, this.queueEnd);
    if (this.queueStart < this.queueEnd) return true;
    this.queue = null;
    this.queueStart = this.queueEnd = this.pending = 0;
    try {
      if (this.whenEnded === null) this.user?.upstreamDrained(this);
      else this.whenEnded();
    } catch (error) {
      this.fail(error);
    }
    return false;
  }

  // ---- the answer

  override pause(): void {
    this.paused = true;
  }

  override resume(): void {
    if (!this.paused || this.gone) return;
    this.paused = false;
    if (this.kept !== null || this.endIsKept) this.carrier.deliver(this);
    else this.giveCredit();
  }

  /** Tells the server, now and then, that it may send more. */
  giveCredit(): void {
    if (this.passed < STREAM_WINDOW / 2 || this.paused || this.remoteEnded || this.id === 0) return;
    this.carrier.frames.windowUpdate(this.id, this.passed);
    this.receiveLeft += this.passed;
    this.passed = 0;
    this.carrier.mark();
  }

  /** The next part of what was kept, at most a read long; `last`: there is no more. */
  takeKept(into: Uint8Array): number {
    const kept = this.kept!;
    let length = 0;
    while (kept.length > 0 && length + kept[0]!.length <= READ_SIZE) {
      const part = kept.shift()!;
      into.set(part, length);
      length += part.length;
    }
    if (kept.length === 0) {
      this.kept = null;
      this.passed += this.keptData;
      this.keptData = 0;
    }
    return length;
  }

  keep(bytes: Uint8Array): void {
    (this.kept ??= []).push(bytes);
  }

  /** Its end of a tunnel: told behind all that came before. */
  serverEnded(): void {
    if (this.gone) return;
    this.endIsKept = this.paused || this.kept !== null;
    if (this.endIsKept) return;
    try {
      this.user?.lost(this, 'end');
    } catch (error) {
      this.fail(error);
    }
  }

  // ---- its end

  /** What it says is not HTTP. */
  malformed(): void {
    this.end(ERROR.protocol);
    this.lose('malformed');
  }

  /** It ended before all of its content had come. */
  truncated(): void {
    this.remoteEnded = true;
    this.requests = 0;
    this.lose('reset');
  }

  /** The server has reset it. `unprocessed`: nothing was done for it, so that it may go elsewhere whatever it is. */
  wasReset(unprocessed: boolean): void {
    this.localEnded = this.remoteEnded = true;
    if (unprocessed) this.sent = false;
    // as one that was kept and found dead: the server may be asked once more
    this.requests = unprocessed ? 1 : 0;
    this.lose('reset');
  }

  override expired(): void {
    const isLate = this.user !== null && !this.connecting;
    super.expired();
    if (isLate) this.carrier.doubt();
  }

  override lose(how: Loss): void {
    super.lose(how === 'end' ? 'reset' : how);
  }

  /** The exchange is over, and the answer whole. */
  override release(): void {
    this.user = null;
    if (this.gone) return;
    if (!this.localEnded) {
      this.end(ERROR.cancel);
      this.leave(false);
      return;
    }
    if (this.remoteEnded) this.leave(true);
    else this.deadline = this.state.now + END_TIMEOUT;
  }

  /** The server has ended its side. */
  remoteEnd(): void {
    this.remoteEnded = true;
    if (this.user === null) this.leave(true);
  }

  private leave(reusable: boolean): void {
    this.queue = null;
    if (reusable) {
      this.carrier.left(this, true);
      return;
    }
    this.gone = true;
    this.state.sweeper.remove(this);
    this.carrier.left(this, false);
  }

  private end(code: number): void {
    if (this.id === 0 || (this.localEnded && this.remoteEnded)) return;
    this.localEnded = this.remoteEnded = true;
    this.carrier.frames.reset(this.id, code);
    this.carrier.mark();
  }

  override destroy(): void {
    if (this.gone) return;
    this.end(ERROR.cancel);
    this.user = null;
    this.leave(false);
  }

  override useLargeBuffer(): void {}

  override useSharedBuffer(): void {}
}

const NOTHING = new Uint8Array(0);
/** Where the data of chunks goes: it is copied at once. */
let data = new Uint8Array(2 * READ_SIZE);
