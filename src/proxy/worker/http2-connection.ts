/**
 * A connection that speaks HTTP/2, by node:http2: its streams are clients of their own (stream-client.ts), and all that is
 * about the connection is here: limits, floods, idling, draining. docs/http2.md lists the limits.
 */
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

import { KnownFields } from '../../http2/known-fields.ts';
import { GLOBAL } from '../shared.ts';
import { leaveListener } from './accounting.ts';
import type { Secure } from './client.ts';
import { Connection } from './io.ts';
import { caught, countLimit, type WorkerState } from './state.ts';
import { StreamClient, type StreamOwner } from './stream-client.ts';
import { DIRECT } from './stream-state.ts';
import type { ListenerPlace } from './tables.ts';
import { TokenBucket } from './token-bucket.ts';

export const MAX_STREAMS = 100;
/** Streams that end before their answer: what clients give up, and what they make us give up. */
export const RESETS = { burst: 1000, perSecond: 200 };
/** Bytes that carry no content: pings, settings, priorities, windows, empty frames, and whatever else costs work. */
const OVERHEAD = { burst: 1 << 20, perSecond: 32_768 };
/** What comes along with content: per stream (its head), per piece of DATA, and a window update for every few bytes. */
const PER_STREAM = 1024;
const PER_PIECE = 64;
const PER_BYTE = 1 / 8;
/** To the client's preface. */
const HANDSHAKE_TIMEOUT = 10_000;
/** How often it is looked at. */
const CHECK = 250;
/** How long it may take to go when all is said. */
const LINGER = 2000;

const OPTIONS = {
  maxSessionMemory: 10,
  maxHeaderListPairs: 128,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: RESETS.burst,
  streamResetBurst: RESETS.burst,
  streamResetRate: RESETS.perSecond,
  // what a server sends twice goes on twice, as on HTTP/1.1
  strictSingleValueFields: false,
  // blanks around values come to us, who reset the stream for them; nghttp2 would take the field out instead (114)
  strictFieldWhitespaceValidation: false,
  settings: {
    maxConcurrentStreams: MAX_STREAMS,
    initialWindowSize: 65_535,
    maxHeaderListSize: 65_536,
    enableConnectProtocol: true,
  },
};
/** Of the whole connection; a stream that is not read holds up no more than its own window. */
const CONNECTION_WINDOW = 1 << 20;

export class Http2Connection extends Connection implements StreamOwner {
  readonly state: WorkerState;
  readonly listener: ListenerPlace;
  readonly secure: Secure | null;
  readonly peer: string;
  requests = 0;
  readonly fields = new KnownFields();
  /** Those that are open. */
  streams = 0;
  private readonly clients = new Set<StreamClient>();
  /** Since when it is there, and since when it has had no stream (coarse clock). */
  readonly since: number;
  idleSince: number;
  private readonly session: ServerHttp2Session;
  private readonly resets: TokenBucket;
  private readonly overhead: TokenBucket;
  private begun = false;
  /** It ends; when there is no stream left, it is closed. */
  private retired = false;
  /** Until when it must be gone. */
  private until: number;
  private read = 0;
  /** Bytes of content among them that streams had not taken when they were looked at last. */
  private waiting = 0;
  /** What may be read without counting as overhead. */
  private allowed = 0;

  /** `first`: what has been read of it already. */
  constructor(
    state: WorkerState,
    listener: ListenerPlace,
    socket: Socket,
    secure: Secure | null,
    peer: string,
    first: Buffer | null,
  ) {
    super(socket);
    this.state = state;
    this.listener = listener;
    this.secure = secure;
    this.peer = peer;
    this.since = this.idleSince = state.now;
    this.until = state.now + HANDSHAKE_TIMEOUT;
    this.deadline = state.now + CHECK;
    this.resets = new TokenBucket(RESETS.burst, RESETS.perSecond, state.now);
    this.overhead = new TokenBucket(OVERHEAD.burst, OVERHEAD.perSecond, state.now);
    state.sweeper.add(this);
    state.counters.global[GLOBAL.http2Connections]!++;
    socket.on('error', () => undefined);
    socket.on('close', () => this.guarded(() => this.closed()));
    socket.on('end', () => this.guarded(() => this.ended()));
    // of TCP that we have read ourselves, the handle tells us its end; all other reads are the session's
    if (DIRECT && secure === null) this.attach(false);
    if (first !== null) socket.unshift(first);
    this.session = handshake(socket, OPTIONS);
  }

  start(): void {
    const { session } = this;
    session.on('connect', () => this.guarded(() => session.setLocalWindowSize(CONNECTION_WINDOW)));
    session.once('remoteSettings', () => {
      this.begun = true;
    });
    session.on('error', (error: NodeJS.ErrnoException) => this.guarded(() => this.broke(error)));
    session.on('stream', (stream, _headers, flags, fields) =>
      this.guarded(() => this.streamBegan(stream, flags, fields)),
    );
  }

  private streamBegan(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    this.requests++;
    this.state.counters.global[GLOBAL.http2Streams]!++;
    this.allowed += PER_STREAM;
    for (const text of fields) this.allowed += text.length;
    this.streams++;
    if (stream.destroyed || stream.closed) {
      // taken back in the same read
      stream.on('error', () => undefined);
      this.left(null, true);
      return;
    }
    if (this.streams === MAX_STREAMS) countLimit(this.state, 'streams');
    const client = new StreamClient(this, stream);
    this.clients.add(client);
    client.guarded(() => client.open(fields, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0));
  }

  carried(bytes: number): void {
    this.allowed += PER_PIECE + bytes + bytes * PER_BYTE;
  }

  left(client: StreamClient | null, reset: boolean): void {
    this.streams--;
    if (client !== null) this.clients.delete(client);
    this.idleSince = this.state.now;
    if (!reset || this.resets.take(1, this.state.now) || this.gone) return;
    countLimit(this.state, 'stream_resets');
    this.give(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** GOAWAY: what is open is finished. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.session.close();
  }

  /** Ends it and all that is open in it, by GOAWAY. */
  private give(code: number): void {
    this.retired = true;
    this.until = this.state.now + LINGER;
    this.session.destroy(new Error('too much of it'), code);
  }

  /** The session gave up, or was made to. */
  private broke(error: NodeJS.ErrnoException): void {
    this.state.counters.global[GLOBAL.http2Failures]!++;
    if (error.code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES' || error.errno === FLOODED)
      countLimit(this.state, 'http2_session');
  }

  override expired(now: number): void {
    this.deadline = now + CHECK;
    if (this.retired) {
      if (this.streams > 0 && !this.session.destroyed) this.until = now + LINGER;
      else if (now >= this.until) this.destroy();
      return;
    }
    if (this.isFlooded(now)) {
      countLimit(this.state, 'http2_overhead');
      this.give(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    } else if (!this.begun && now >= this.until) {
      this.destroy();
    } else if (now >= this.idleUntil) {
      this.until = now + LINGER;
      this.retire();
    }
  }

  /** Infinity while something is under way. */
  get idleUntil(): number {
    return this.streams > 0 ? Infinity : this.idleSince + this.listener.table.keepAliveTimeout;
  }

  private isFlooded(now: number): boolean {
    const { bytesRead } = this.socket;
    let waiting = 0;
    for (const client of this.clients) waiting += client.waiting;
    const over = bytesRead - this.read - this.allowed - (waiting - this.waiting);
    this.read = bytesRead;
    this.waiting = waiting;
    this.allowed = Math.max(0, -over);
    return over > 0 && !this.overhead.take(over, now);
  }

  /** All of it is read by the session. */
  override received(): void {}
  override drained(): void {}

  /** Nobody ends only one side of HTTP/2: whoever asked is gone. */
  override ended(): void {
    if (!this.gone) this.destroy();
  }

  override fail(error: unknown): void {
    caught(this.state, error);
    this.destroy();
  }

  /** At once, with all that is open in it. */
  destroy(): void {
    this.session.destroy();
    this.socket.destroy();
  }

  private closed(): void {
    if (this.gone) return;
    this.gone = true;
    this.state.sweeper.remove(this);
    leaveListener(this.state, this.listener);
  }
}

/** NGHTTP2_ERR_FLOODED: pings and settings whose acknowledgements pile up because nobody reads them. */
const FLOODED = -904;

/** Its options are not in the types yet. */
const handshake = performServerHandshake as (socket: Socket, options: object) => ServerHttp2Session;

/** The connection preface (RFC 9113 §3.4). */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** HTTP/2 by prior knowledge on a listener of plain HTTP (53). */
export const PRIOR_KNOWLEDGE = {
  recognise(bytes: Uint8Array, start: number, end: number): 'yes' | 'no' | 'perhaps' {
    const length = Math.min(PREFACE.length, end - start);
    for (let i = 0; i < length; i++) if (bytes[start + i] !== PREFACE[i]) return 'no';
    return length === PREFACE.length ? 'yes' : 'perhaps';
  },
  takeOver(state: WorkerState, listener: ListenerPlace, socket: Socket, peer: string, first: Buffer): void {
    new Http2Connection(state, listener, socket, null, peer, first).start();
  },
};
