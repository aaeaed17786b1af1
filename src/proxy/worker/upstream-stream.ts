/**
 * A stream to a server, as who uses it knows a connection: HTTP/1.1 is written to it and read from it. What is written goes
 * out as frames of the connection that carries it; what the server says comes from there (see answer-bytes.ts).
 */
import type net from 'node:net';

import { ChunkedDecoder } from '../../http/chunked.ts';
import { websocketKey } from '../../http/websocket-key.ts';
import { ERROR, FRAME_HEAD } from '../../http2/frames.ts';
import { mostBlock } from '../../http2/hpack-writer.ts';
import type { KnownHead } from '../../http2/known-heads.ts';
import { writeRequestBlock, written } from '../../http2/request-block.ts';
import { READ_SIZE } from './buffers.ts';
import { Inflow } from './inflow.ts';
import type { Loss } from './loss.ts';
import { Outflow, type Outlet } from './outflow.ts';
import type { WorkerState } from './state.ts';
import { STREAM_WINDOW } from './stream-preface.ts';
import { type Endpoint, Upstream, type UpstreamUser } from './upstream.ts';
import { acceptOf } from './websocket-accept.ts';

/** The connection that carries streams, as they know it. */
export interface Carrier extends Outlet {
  readonly socket: net.Socket;
  readonly secure: boolean;
  /** The next number for a stream, whose place is kept. */
  number(stream: UpstreamStream): void;
  /** Bytes of DATA that the server takes of a stream at first. */
  readonly initialWindow: number;
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
  /** The request, as it goes out. */
  readonly out: Outflow;
  /** The answer, as it comes. */
  readonly inflow: Inflow;
  remoteEnded = false;

  // ---- the answer, kept by answer-bytes.ts
  answer = 0;
  answerLeft = 0;
  /** A head that waits for the DATA behind it. */
  head: KnownHead | null = null;

  // ---- the request
  private headSent = false;
  /** Bytes of the body that are still to come; −1 = chunks. */
  private bodyLeft = 0;
  private chunks: ChunkedDecoder | null = null;
  /** Called when the last of a tunnel has gone out. */
  private whenEnded: (() => void) | null = null;

  constructor(state: WorkerState, endpoint: Endpoint, user: UpstreamUser, timeout: number, carrier: Carrier) {
    super(state, endpoint, user, timeout, false, carrier.socket);
    this.carrier = carrier;
    this.out = new Outflow(carrier, () => this.outDrained());
    this.inflow = new Inflow(carrier, this, STREAM_WINDOW);
  }

  /** Begins anew, for another request. */
  lendTo(user: UpstreamUser, deadline: number): void {
    this.user = user;
    this.held = null;
    this.sent = this.deaf = this.isHead = this.remoteEnded = this.headSent = false;
    this.out.begin(0, 0);
    this.inflow.begin(0);
    this.isTunnel = user.upgrade;
    this.id = this.answer = this.answerLeft = this.pending = 0;
    this.head = this.whenEnded = null;
    this.paused = false;
    this.deadline = deadline;
  }

  // ---- the request

  /** The head is written in one piece. */
  override write(view: Uint8Array): boolean {
    if (this.gone) return false;
    let p = 0;
    if (!this.headSent) p = this.sendHead(view);
    if (p < view.length) this.sendBody(view, p);
    return true;
  }

  private sendHead(view: Uint8Array): number {
    const { carrier } = this;
    const { frames } = carrier;
    carrier.number(this);
    this.out.begin(this.id, carrier.initialWindow);
    this.inflow.numbered(this.id);
    frames.room(FRAME_HEAD + mostBlock(view.length));
    const start = frames.length;
    const known = this.user?.knownFields() ?? null;
    frames.length = writeRequestBlock(view, carrier.secure, this.isTunnel, known, frames.bytes, start + FRAME_HEAD);
    this.headSent = true;
    this.isHead = written.isHead;
    this.bodyLeft = written.bodyLength;
    const isWhole = written.bodyLength === 0 && !this.isTunnel;
    if (isWhole) this.out.stop();
    if (this.isTunnel) this.accept = acceptOf(websocketKey(view));
    if (written.bodyLength < 0) (this.chunks ??= new ChunkedDecoder()).reset();
    frames.headers(start, this.id, isWhole);
    carrier.mark();
    return written.end;
  }

  private sendBody(view: Uint8Array, start: number): void {
    const { out } = this;
    if (this.isTunnel) {
      out.put(view, start, view.length);
    } else if (this.bodyLeft >= 0) {
      const end = Math.min(view.length, start + this.bodyLeft);
      this.bodyLeft -= end - start;
      if (this.bodyLeft === 0) out.end(view, start, end, null);
      else out.put(view, start, end);
    } else if (!out.isOver) {
      if (data.length < view.length) data = new Uint8Array(view.length);
      const decoder = this.chunks!;
      const isWhole = decoder.decode(view, start, view.length, data, 0) === 1;
      if (isWhole) out.end(data, 0, decoder.written, this.user?.requestTrailers() ?? null);
      else out.put(data, 0, decoder.written);
    }
    if (out.isWaiting) this.pending = 1;
  }

  /** What a tunnel takes from the client ends, behind what waits. */
  override endSide(done?: () => void): void {
    if (this.gone) return;
    this.whenEnded = done ?? this.whenEnded;
    if (this.id > 0) this.out.end(NOTHING, 0, 0, null);
    if (!this.out.isWaiting) this.whenEnded?.();
  }

  /** It is answered instead of opened: nothing more goes to the server. */
  tunnelRefused(): void {
    this.isTunnel = false;
    this.endSide();
  }

  private outDrained(): void {
    this.pending = 0;
    try {
      if (this.whenEnded === null) this.user?.upstreamDrained(this);
      else this.whenEnded();
    } catch (error) {
      this.fail(error);
    }
  }

  // ---- the answer

  override pause(): void {
    this.paused = true;
  }

  override resume(): void {
    if (!this.paused || this.gone) return;
    this.paused = false;
    if (this.inflow.hasKept) this.carrier.deliver(this);
    else this.giveCredit();
  }

  /** Tells the server, now and then, that it may send more. */
  giveCredit(): void {
    if (!this.remoteEnded && this.id > 0) this.inflow.giveCredit();
  }

  /** Its end of a tunnel: told behind all that came before. */
  serverEnded(): void {
    if (this.gone) return;
    this.inflow.endIsKept = this.inflow.isKeeping;
    if (this.inflow.endIsKept) return;
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

  /** Nothing more is said on either side. */
  sidesEnd(): void {
    this.out.stop();
    this.remoteEnded = true;
  }

  /** The server has reset it. `unprocessed`: nothing was done for it, so that it may go elsewhere whatever it is. */
  wasReset(unprocessed: boolean): void {
    this.sidesEnd();
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
    if (!this.out.isOver) {
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
    this.out.stop();
    if (reusable) {
      this.carrier.left(this, true);
      return;
    }
    this.gone = true;
    this.state.sweeper.remove(this);
    this.carrier.left(this, false);
  }

  private end(code: number): void {
    if (this.id === 0 || (this.out.isOver && this.remoteEnded)) return;
    this.sidesEnd();
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
