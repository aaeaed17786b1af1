/**
 * A stream of HTTP/2 as a client: what it says is written as an HTTP/1.1 request, and what is answered in HTTP/1.1 goes out
 * as its frames (docs/adr/0017). Everything between is the same as for a connection of HTTP/1.1. One object serves one
 * stream after another.
 */
import type { Socket } from 'node:net';

import { ERROR, WINDOW } from '../../http2/frames.ts';
import type { KnownFields } from '../../http2/known-fields.ts';
import type { KnownRequest } from '../../http2/known-requests.ts';
import type { RequestText } from '../../http2/request-text.ts';
import type { ReasonWord } from '../../model/reasons.ts';
import type { Ends } from '../../proxy-protocol/write-header.ts';
import { READ_SIZE } from './buffers.ts';
import { writeText } from './bytes.ts';
import { CHUNK_ROOM, frame } from './chunks.ts';
import { ClientConnection } from './client-connection.ts';
import type { Secure } from './client.ts';
import { endsOf } from './ends.ts';
import { Inflow } from './inflow.ts';
import type { Outlet } from './outflow.ts';
import { PHASE } from './phases.ts';
import { refuseConnection } from './refuse-head.ts';
import { countLimit, countReason, type WorkerState } from './state.ts';
import { StreamAnswer } from './stream-answer.ts';
import type { ListenerPlace } from './tables.ts';

/** The connection that streams belong to, as they know it. */
export interface StreamOwner extends Outlet {
  readonly state: WorkerState;
  readonly listener: ListenerPlace;
  readonly socket: Socket;
  readonly secure: Secure | null;
  readonly peer: string;
  /** Streams that it has had. */
  readonly requests: number;
  /** Of its streams' requests. */
  readonly fields: KnownFields;
  /** So many bytes of content have gone, in one piece. */
  carried(bytes: number): void;
  /** RST_STREAM. @param ended the client has ended its side */
  reset(id: number, code: number, ended: boolean): void;
  /** It goes on to take what was kept while it was paused. */
  deliver(client: StreamClient): void;
  /** A stream is over; `reset`: before its answer was whole. `reusable`: its object may serve another one. */
  left(client: StreamClient, reset: boolean, reusable: boolean): void;
  /** Takes no more streams. */
  retire(): void;
}

export class StreamClient extends ClientConnection {
  readonly answer: StreamAnswer;
  /** The request's content, as it comes. */
  readonly inflow: Inflow;
  id = 0;
  /** The client has ended its side. */
  remoteEnded = false;
  private readonly owner: StreamOwner;
  private request: RequestText | null = null;
  private trailers = '';
  /** Bytes of DATA so far, where a length was given. */
  private counted = 0;
  /** Its answer is whole, and it waits to be used again. */
  private isFree = false;
  /** Nothing is to be said of its end: the client has said it, or is gone. */
  private isSilent = false;
  /** Called when the last of a tunnel has gone out. */
  private whenEnded: (() => void) | null = null;

  constructor(owner: StreamOwner) {
    super(owner.state, owner.listener, owner.socket, owner.secure, owner.peer, null);
    this.owner = owner;
    this.takesLarge = false;
    this.answer = new StreamAnswer(owner, () => this.guarded(() => this.outDrained()));
    this.inflow = new Inflow(owner, this, WINDOW);
  }

  /** Its connection's events are that connection's. */
  protected override watch(): void {}

  /**
   * Takes up the request.
   * @param window bytes of DATA that the client takes of this stream
   * @param ended no body follows
   */
  open(id: number, known: KnownRequest, window: number, ended: boolean): void {
    this.renew(id, window, ended);
    const { request } = known;
    if (known.tooLarge) {
      countLimit(this.state, 'header_bytes');
      refuseConnection(this, 'head_too_large');
    } else if (request === null) {
      this.malformed('bad_request');
    } else if (request.type === 'refused') {
      refuseConnection(this, request.word);
    } else {
      this.request = request;
      // `begin` counts it
      this.requests = this.owner.requests - 1;
      this.received(known.bytes, known.length);
      // 34: everybody on HTTP/2 takes them, whether they say so to the server or not
      this.acceptsTrailers = true;
      const most = this.limits?.requestsPerConnection ?? 0;
      if (most > 0 && this.requests >= most) this.owner.retire();
      if (ended) this.requestEnded();
    }
  }

  private renew(id: number, window: number, ended: boolean): void {
    this.id = id;
    this.remoteEnded = ended;
    this.answer.begin(id, window);
    this.inflow.begin(id);
    this.phase = PHASE.head;
    this.pending = this.heldLength = this.headParsed = this.counted = 0;
    this.paused = this.eof = this.serving = this.headBegun = this.answerStarted = false;
    this.isFree = this.isSilent = false;
    this.held = this.request = this.whenEnded = this.limits = null;
    this.trailers = '';
    this.deadline = Infinity;
    if (this.index < 0) this.state.sweeper.add(this);
  }

  override get protocol(): 'HTTP/2' {
    return 'HTTP/2';
  }

  // ---- the request

  get isTunnel(): boolean {
    return this.request !== null && this.request.key !== '';
  }

  dataArrived(bytes: Uint8Array, start: number, end: number): void {
    const { request } = this;
    if (request?.body === 'length') {
      this.counted += end - start;
      if (this.counted > request.length) {
        this.malformed('bad_framing');
        return;
      }
    }
    if (this.inflow.isKeeping) {
      this.inflow.keep(bytes, start, end);
      return;
    }
    this.take(bytes, start, end);
    this.giveCredit();
  }

  private take(bytes: Uint8Array, start: number, end: number): void {
    if (this.request === null) return;
    const part = bytes.subarray(start, end);
    if (this.request.body === 'chunked') {
      input.set(part, CHUNK_ROOM);
      this.received(input, frame(input, 0, part.length));
    } else {
      input.set(part);
      this.received(input, part.length);
    }
  }

  /** @param trailers lines, each with its CRLF */
  endArrived(trailers: string): void {
    this.remoteEnded = true;
    this.trailers = trailers;
    if (this.inflow.isKeeping) this.inflow.endIsKept = true;
    else this.requestEnded();
  }

  private requestEnded(): void {
    const { request } = this;
    if (this.gone) return;
    if (request === null || this.phase === PHASE.closing) {
      this.eof = true;
      return;
    }
    // 115: fewer bytes than were announced
    if (request.body === 'length' && this.counted < request.length) {
      this.malformed('bad_framing');
      return;
    }
    if (request.key !== '') this.ended(false);
    this.eof = true;
    if (request.body !== 'chunked') return;
    const bytes = Buffer.allocUnsafe(this.trailers.length + 6);
    this.received(bytes, writeText(`0\r\n${this.trailers}\r\n`, bytes, 0));
  }

  /** What was kept while it was paused. */
  deliverKept(): void {
    const { inflow } = this;
    while (!this.paused && !this.gone) {
      const length = inflow.takeKept(keptInput);
      if (length === 0) break;
      this.take(keptInput, 0, length);
    }
    if (this.paused || this.gone) return;
    this.giveCredit();
    if (!inflow.endIsKept) return;
    inflow.endIsKept = false;
    this.requestEnded();
  }

  private giveCredit(): void {
    if (!this.remoteEnded && !this.gone && !this.isFree) this.inflow.giveCredit();
  }

  // ---- the answer

  override write(view: Uint8Array): boolean {
    const { answer } = this;
    if (this.gone || this.isFree) return false;
    this.owner.carried(view.length);
    if (!answer.write(view, this.isHead, this.request?.key ?? '')) {
      countReason(this.state, 'bad_answer');
      this.reset('bad_answer');
      return false;
    }
    if (answer.out.isWaiting) this.waits();
    return true;
  }

  private outDrained(): void {
    this.pending = 0;
    this.whenEnded?.();
    if (this.gone) return;
    if (this.phase === PHASE.closing) this.finishIfSaid();
    else this.drained();
  }

  override next(): void {
    this.close();
  }

  /** Everything is said. A stream that has not ended its side is told that nobody listens, once it has got all. */
  override close(): void {
    if (this.gone || this.isFree) return;
    this.phase = PHASE.closing;
    this.virtualServer = this.target = this.row = null;
    this.held = null;
    this.heldLength = 0;
    this.deadline = this.state.now + this.writeTimeout();
    this.resume();
    this.answer.finish();
    this.finishIfSaid();
  }

  /** It is over when its answer is whole. */
  private finishIfSaid(): void {
    if (!this.answer.out.isOver) return;
    if (!this.remoteEnded) this.owner.reset(this.id, ERROR.none, false);
    if (this.own !== null) {
      this.destroy();
      return;
    }
    this.isFree = true;
    this.state.sweeper.remove(this);
    if (this.load !== null) this.load.clients--;
    this.load = null;
    this.inflow.forget();
    this.owner.left(this, false, true);
  }

  override endSide(done?: () => void): void {
    if (this.gone) return;
    this.answer.finish();
    if (!this.answer.out.isWaiting) done?.();
    else this.whenEnded = done ?? null;
  }

  override isWriting(): boolean {
    return this.pending > 0;
  }

  override unsent(): number {
    return this.answer.out.waiting;
  }

  // ---- the stream

  /** A connection's streams say much the same. */
  override knownFields(): KnownFields {
    return this.owner.fields;
  }

  override ends(): Ends | null {
    const { secure, socket } = this.owner;
    return endsOf(secure === null ? socket : secure.raw);
  }

  /** It is read from the beginning on. */
  override start(): void {}

  override pause(): void {
    this.paused = true;
  }

  override resume(): void {
    if (!this.paused || this.gone) return;
    this.paused = false;
    if (this.inflow.hasKept) this.owner.deliver(this);
    else this.giveCredit();
  }

  /** The client has taken it back. */
  wasReset(): void {
    if (!this.isSaid) this.remoteEnded = true;
    this.lose();
  }

  /** Both sides have ended. */
  private get isSaid(): boolean {
    return this.remoteEnded && this.answer.out.isOver;
  }

  /** It is no more, and nothing is to be said of that. What both sides have ended goes to the server all the same. */
  lose(): void {
    this.isSilent = true;
    if (this.isSaid && this.phase === PHASE.tunnel) this.passKept();
    if (!this.isFree) this.ended(true);
  }

  private passKept(): void {
    const { inflow } = this;
    for (let length = 0; (length = inflow.takeKept(keptInput)) > 0;) this.take(keptInput, 0, length);
    if (inflow.endIsKept) this.requestEnded();
    inflow.endIsKept = false;
  }

  /** RFC 9113 §6.9.1: its window cannot be so large. */
  overflows(): void {
    countReason(this.state, 'bad_framing');
    this.destroy('bad_framing', () => this.sayReset(ERROR.flowControl));
  }

  malformed(why: 'bad_request' | 'bad_framing'): void {
    countReason(this.state, why);
    this.reset(why);
  }

  /** 99: an answer that broke off is an error to the client, never an end. */
  override reset(why: ReasonWord): void {
    this.destroy(why, () => this.sayReset(CODES[why] ?? ERROR.internal));
  }

  override destroy(why: ReasonWord = 'client_gone', close: () => void = () => this.sayReset(ERROR.cancel)): void {
    if (this.gone || this.isFree) return;
    const whole = this.phase === PHASE.closing && this.answer.out.isOver;
    super.destroy(why, close);
    this.inflow.forget();
    this.owner.left(this, !whole, false);
  }

  private sayReset(code: number): void {
    const { out } = this.answer;
    if (!this.isSilent && !this.isSaid) this.owner.reset(this.id, code, this.remoteEnded);
    out.stop();
  }

  /** Its connection is another's to count. */
  protected override leave(): void {}
}

/** What DATA is put into as HTTP/1.1: the shared read buffer may be in use by whoever has this called. */
const input = new Uint8Array(READ_SIZE + 8);
/** Where DATA lies that was kept: as much as makes one read with what a chunk puts around it. */
const keptInput = new Uint8Array(READ_SIZE - CHUNK_ROOM - 2);

/** What the client has done wrong; all else is our trouble, or a server's. */
const CODES: Partial<Record<ReasonWord, number>> = {
  bad_request: ERROR.protocol,
  bad_framing: ERROR.protocol,
  write_timeout: ERROR.cancel,
  idle_timeout: ERROR.cancel,
  body_timeout: ERROR.cancel,
  body_too_large: ERROR.cancel,
  overloaded: ERROR.enhanceYourCalm,
};
