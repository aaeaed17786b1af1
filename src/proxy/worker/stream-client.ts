/**
 * A stream of HTTP/2 as a client: what it says is written as an HTTP/1.1 request, and what is answered in HTTP/1.1 goes out
 * as its frames (docs/adr/0017). Everything between is the same as for a connection of HTTP/1.1.
 */
import { randomBytes } from 'node:crypto';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

import { trailerText } from '../../http2/field-rules.ts';
import type { KnownFields } from '../../http2/known-fields.ts';
import { type RequestText, requestText } from '../../http2/request-text.ts';
import type { ReasonWord } from '../../model/reasons.ts';
import type { Ends } from '../../proxy-protocol/write-header.ts';
import { READ_SIZE } from './buffers.ts';
import { writeText } from './bytes.ts';
import { CHUNK_ROOM, frame } from './chunks.ts';
import { ClientConnection } from './client-connection.ts';
import type { Secure } from './client.ts';
import { endsOf } from './ends.ts';
import { PHASE } from './phases.ts';
import { refuseConnection } from './refuse-head.ts';
import { countReason, type WorkerState } from './state.ts';
import { StreamAnswer } from './stream-answer.ts';
import type { ListenerPlace } from './tables.ts';

/** The connection that streams belong to, as they know it. */
export interface StreamOwner {
  readonly state: WorkerState;
  readonly listener: ListenerPlace;
  readonly socket: Socket;
  readonly secure: Secure | null;
  readonly peer: string;
  /** Streams that it has had. */
  readonly requests: number;
  /** Of its streams' requests. */
  readonly fields: KnownFields;
  /** So many bytes of content have come or gone. */
  carried(bytes: number): void;
  /** A stream is over; `reset`: before its answer was whole. */
  left(client: StreamClient, reset: boolean): void;
  /** Takes no more streams. */
  retire(): void;
}

export class StreamClient extends ClientConnection {
  private readonly stream: ServerHttp2Stream;
  private readonly owner: StreamOwner;
  private readonly answer: StreamAnswer;
  private request: RequestText | null = null;
  private trailers = '';
  /** Bytes of DATA so far, where a length was given. */
  private counted = 0;
  private sent = false;

  constructor(owner: StreamOwner, stream: ServerHttp2Stream) {
    // of a socket, only what streams have as well is used; what is not so is overridden below
    super(owner.state, owner.listener, stream as unknown as Socket, owner.secure, owner.peer, null);
    this.owner = owner;
    this.stream = stream;
    this.takesLarge = false;
    this.answer = new StreamAnswer(stream, () => this.answerSent());
  }

  /** Takes up the request. @param fields names and values in turn @param ended no body follows */
  open(fields: readonly string[], ended: boolean): void {
    const { stream, owner } = this;
    const request = requestText(fields, ended, newKey);
    if (request === null) {
      this.malformed('bad_request');
      return;
    }
    stream.on('data', (chunk: Buffer) => this.guarded(() => this.dataArrived(chunk)));
    stream.on('end', () => this.guarded(() => this.requestEnded()));
    stream.on('trailers', (_: object, __: number, list: string[]) => this.guarded(() => this.trailersArrived(list)));
    stream.on('drain', () => {
      this.pending = 0;
      if (!this.gone) this.guarded(() => this.drained());
    });
    if (request.type === 'refused') {
      refuseConnection(this, request.word);
      return;
    }
    this.request = request;
    // `begin` counts it
    this.requests = owner.requests - 1;
    const bytes = Buffer.allocUnsafe(request.text.length + 1);
    this.received(bytes, writeText(request.text, bytes, 0));
    // 34: everybody on HTTP/2 takes them, whether they say so to the server or not
    this.acceptsTrailers = true;
    const most = this.limits?.requestsPerConnection ?? 0;
    if (most > 0 && this.requests >= most) owner.retire();
  }

  override get protocol(): 'HTTP/2' {
    return 'HTTP/2';
  }

  // ---- the request

  private dataArrived(chunk: Buffer): void {
    this.owner.carried(chunk.length);
    const { request } = this;
    if (request === null) return;
    if (request.body === 'length') {
      this.counted += chunk.length;
      if (this.counted > request.length) {
        this.malformed('bad_framing');
        return;
      }
    }
    for (let p = 0; p < chunk.length && !this.gone; p += PART) {
      const part = chunk.subarray(p, p + PART);
      if (request.body === 'chunked') {
        input.set(part, CHUNK_ROOM);
        this.received(input, frame(input, 0, part.length));
      } else {
        input.set(part);
        this.received(input, part.length);
      }
    }
  }

  private trailersArrived(list: readonly string[]): void {
    const text = trailerText(list);
    if (text === null) this.malformed('bad_request');
    else this.trailers = text;
  }

  private requestEnded(): void {
    const { request } = this;
    if (this.gone) return;
    if (request === null || this.phase === PHASE.closing) {
      this.eof = true;
      return;
    }
    // a reset without an error looks like an end here, and is none
    if (this.stream.closed) {
      this.ended(true);
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

  // ---- the answer

  override write(view: Uint8Array): boolean {
    const { stream } = this;
    if (stream.destroyed || stream.closed) return false;
    this.owner.carried(view.length);
    const more = this.answer.write(view, this.isHead || stream.writableEnded, this.request?.key ?? '');
    if (more === null) {
      countReason(this.state, 'bad_answer');
      this.reset('bad_answer');
      return false;
    }
    if (!more) this.waits();
    return true;
  }

  override next(): void {
    this.close();
  }

  /** Everything is said. A stream that has not ended its side is told that nobody listens, once it has got all. */
  override close(): void {
    if (this.gone) return;
    this.phase = PHASE.closing;
    this.virtualServer = this.target = this.row = null;
    this.held = null;
    this.heldLength = 0;
    this.deadline = this.state.now + this.writeTimeout();
    this.resume();
    if (!this.stream.writableEnded) this.stream.end();
    if (this.sent) this.answerSent();
  }

  private answerSent(): void {
    this.sent = true;
    if (this.phase === PHASE.closing && !this.eof && !this.gone) this.stream.close(constants.NGHTTP2_NO_ERROR);
  }

  override endSide(done?: () => void): void {
    if (!this.gone) this.stream.end(done);
  }

  // ---- the stream

  /** Bytes of content that have come and that nobody has taken. */
  get waiting(): number {
    return this.stream.readableLength;
  }

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
    if (this.paused || this.gone) return;
    this.paused = true;
    this.stream.pause();
  }

  override resume(): void {
    if (!this.paused || this.gone) return;
    this.paused = false;
    this.stream.resume();
  }

  private malformed(why: 'bad_request' | 'bad_framing'): void {
    countReason(this.state, why);
    this.reset(why);
  }

  /** 99: an answer that broke off is an error to the client, never an end. */
  override reset(why: ReasonWord): void {
    this.destroy(why, () => this.stream.close(CODES[why] ?? constants.NGHTTP2_INTERNAL_ERROR));
  }

  override destroy(why: ReasonWord = 'client_gone', close: () => void = () => this.cancel()): void {
    if (this.gone) return;
    const whole = this.phase === PHASE.closing;
    // content all the same, though nobody takes it any more
    this.owner.carried(this.waiting);
    super.destroy(why, close);
    this.owner.left(this, !whole);
  }

  private cancel(): void {
    if (!this.stream.closed) this.stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Its connection is another's to count. */
  protected override leave(): void {}
}

/** What DATA is put into as HTTP/1.1: the shared read buffer may be in use by whoever has this called. */
const PART = READ_SIZE - 2 * CHUNK_ROOM;
const input = new Uint8Array(READ_SIZE + 8);

const newKey = (): string => randomBytes(16).toString('base64');

/** What the client has done wrong; all else is our trouble, or a server's. */
const CODES: Partial<Record<ReasonWord, number>> = {
  bad_request: constants.NGHTTP2_PROTOCOL_ERROR,
  bad_framing: constants.NGHTTP2_PROTOCOL_ERROR,
  write_timeout: constants.NGHTTP2_CANCEL,
  idle_timeout: constants.NGHTTP2_CANCEL,
  body_timeout: constants.NGHTTP2_CANCEL,
  body_too_large: constants.NGHTTP2_CANCEL,
  overloaded: constants.NGHTTP2_ENHANCE_YOUR_CALM,
};
