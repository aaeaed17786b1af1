/**
 * A client's connection that speaks HTTP/2: its streams are clients of their own (stream-client.ts), what it says is for
 * http2-frames.ts, and all that is about the connection is here: limits, floods, idling, draining. docs/http2.md lists the
 * limits.
 */
import type { Socket } from 'node:net';

import { FrameReader } from '../../http2/frame-reader.ts';
import { FrameWriter } from '../../http2/frame-writer.ts';
import { ERROR, MOST_WINDOW, PREFACE as PREFACE_TEXT, SETTING, WINDOW } from '../../http2/frames.ts';
import { KnownFields } from '../../http2/known-fields.ts';
import type { KnownRequest } from '../../http2/known-requests.ts';
import { GLOBAL } from '../shared.ts';
import { leaveListener } from './accounting.ts';
import type { Secure } from './client.ts';
import { frameTarget, readFrames } from './frame-input.ts';
import { writeFrames } from './frame-output.ts';
import { CONNECTION_WINDOW, Http2Frames, type Http2Host, MAX_STREAMS, MOST_FIELDS } from './http2-frames.ts';
import { Connection } from './io.ts';
import { type Outflow, WaitingOutflows } from './outflow.ts';
import { caught, countLimit, type WorkerState } from './state.ts';
import { StreamClient, type StreamOwner } from './stream-client.ts';
import type { ListenerPlace } from './tables.ts';
import { TokenBucket } from './token-bucket.ts';
import { atTurnEnd } from './turn-end.ts';

/** Streams that end before their answer: what clients give up, and what they make us give up. */
export const RESETS = { burst: 1000, perSecond: 200 };
/** Bytes that carry no content: pings, settings, priorities, windows, empty frames, and whatever else costs work. */
const OVERHEAD = { burst: 1 << 20, perSecond: 32_768 };
/** What comes along with content: per stream, per piece of it either way, and a window update for every few bytes of it. */
const PER_STREAM = 1024;
const PER_PIECE = 64;
const PER_BYTE = 1 / 8;
/** Frames that wait for a client that does not read: acknowledgements that pile up. */
const MOST_BACKLOG = 1 << 20;
/** To the client's preface. */
const HANDSHAKE_TIMEOUT = 10_000;
/** How often it is looked at. */
const CHECK = 250;
/** How long a client may go on beginning streams after it was told not to: until it has answered a ping. */
const NOTICE = 1000;
/** How long it may take to go when all is said. */
const LINGER = 2000;

export class Http2Connection extends Connection implements StreamOwner, Http2Host {
  readonly state: WorkerState;
  readonly listener: ListenerPlace;
  readonly secure: Secure | null;
  readonly peer: string;
  requests = 0;
  readonly fields = new KnownFields();
  readonly frames = new FrameWriter();
  window = WINDOW;
  readonly clients = new Map<number, StreamClient>();
  /** Since when it is there, and since when it has had no stream (coarse clock). */
  readonly since: number;
  idleSince: number;
  private readonly said = new Http2Frames(this);
  private readonly reader = new FrameReader(this.said, 'client');
  private readonly free: StreamClient[] = [];
  private readonly blocked = new WaitingOutflows();
  /** Streams that go on after a pause. */
  private resumed: StreamClient[] = [];
  private readonly resets: TokenBucket;
  private readonly overhead: TokenBucket;
  /** Of the preface, what is still to come. */
  private prefaceLeft = PREFACE.length;
  private begun = false;
  /** It was told to begin no more streams; those on their way are served until `finalBy`. */
  private retired = false;
  private finalBy = Infinity;
  /** No stream begins any more; when there is none left, it is closed. */
  private isFinal = false;
  /** All is said. */
  private ending = false;
  private sideEnded = false;
  /** Until when it must be gone. */
  private until: number;
  private marked = false;
  /** Bytes that were read without carrying content. */
  private over = 0;

  constructor(state: WorkerState, listener: ListenerPlace, socket: Socket, secure: Secure | null, peer: string) {
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
    socket.on('error', () => this.guarded(() => this.lose()));
    socket.on('close', () => this.guarded(() => this.lose()));
  }

  /** `first`: what has been read of it already; there may be a read and more. */
  start(first: Uint8Array = NOTHING): void {
    this.attach(true);
    if (this.handle === null) {
      this.lose();
      return;
    }
    this.nextBuffer = frameTarget;
    this.frames.settings([
      SETTING.maxConcurrentStreams,
      MAX_STREAMS,
      SETTING.maxHeaderListSize,
      MOST_FIELDS,
      SETTING.enableConnectProtocol,
      1,
    ]);
    this.frames.windowUpdate(0, CONNECTION_WINDOW - WINDOW);
    this.mark();
    const most = frameTarget.length;
    for (let p = 0; p < first.length && !this.gone; p += most) {
      const part = first.subarray(p, p + most);
      this.received(part, part.length);
    }
  }

  // ---- reading

  override received(bytes: Uint8Array, length: number): void {
    if (this.ending) return;
    let error: number = ERROR.none;
    if (this.prefaceLeft === 0) error = readFrames(this.reader, bytes, length);
    else error = this.readPreface(bytes, length);
    if (this.gone) return;
    this.over += length;
    if (error !== ERROR.none) this.breakOff(error);
    else if (this.pending > 0 && this.frames.length > MOST_BACKLOG) this.floods('http2_session');
    else this.goOn();
  }

  /** §3.4, in whatever pieces it comes. */
  private readPreface(bytes: Uint8Array, length: number): number {
    let p = 0;
    for (; p < length && this.prefaceLeft > 0; p++, this.prefaceLeft--)
      if (bytes[p] !== PREFACE[PREFACE.length - this.prefaceLeft]) return ERROR.protocol;
    return p < length ? readFrames(this.reader, bytes.slice(p, length), length - p) : ERROR.none;
  }

  useful(bytes: number): void {
    this.over -= PER_PIECE + bytes;
  }

  settled(): void {
    this.begun = true;
  }

  // ---- streams

  get streams(): number {
    return this.clients.size;
  }

  open(id: number, known: KnownRequest, ended: boolean): void {
    this.requests++;
    this.state.counters.global[GLOBAL.http2Streams]!++;
    this.over -= PER_STREAM;
    if (this.streams >= MAX_STREAMS) {
      this.reset(id, ERROR.refusedStream, ended);
      this.wasReset();
      return;
    }
    const client = this.free.pop() ?? new StreamClient(this);
    this.clients.set(id, client);
    if (this.streams === MAX_STREAMS) countLimit(this.state, 'streams');
    client.guarded(() => client.open(id, known, this.said.initialWindow, ended));
  }

  carried(bytes: number): void {
    this.over -= PER_PIECE + bytes * PER_BYTE;
  }

  reset(id: number, code: number, ended: boolean): void {
    if (this.gone) return;
    if (!ended) this.said.cut.add(id);
    this.frames.reset(id, code);
    this.mark();
  }

  left(client: StreamClient, reset: boolean, reusable: boolean): void {
    this.clients.delete(client.id);
    this.idleSince = this.state.now;
    if (reusable) this.free.push(client);
    if (reset) this.wasReset();
    this.endIfDone();
  }

  private wasReset(): void {
    if (this.gone || this.ending || this.resets.take(1, this.state.now)) return;
    this.floods('stream_resets');
  }

  deliver(client: StreamClient): void {
    this.resumed.push(client);
    this.mark();
  }

  // ---- writing

  get isBlocked(): boolean {
    return this.pending > 0;
  }

  mark(): void {
    if (this.marked) return;
    this.marked = true;
    atTurnEnd(this);
  }

  wait(outflow: Outflow): void {
    this.blocked.add(outflow);
  }

  /** All that has come about in this turn, in one write. */
  turn(): void {
    this.marked = false;
    if (this.gone) return;
    if (this.resumed.length > 0) {
      for (const client of this.resumed.splice(0)) client.guarded(() => client.deliverKept());
    }
    this.flush();
  }

  private flush(): void {
    const { frames } = this;
    if (this.gone || this.pending > 0) return;
    if (frames.length > 0 && !writeFrames(this, frames)) {
      this.lose();
      return;
    }
    if (!this.ending || this.sideEnded) return;
    this.sideEnded = true;
    this.endSide();
  }

  relieve(): void {
    // what becomes of its streams is not for one of them to see
    if (!this.gone && this.pending === 0 && !writeFrames(this, this.frames)) this.socket.destroy();
  }

  override drained(): void {
    this.frames.release();
    this.goOn();
    this.flush();
  }

  private goOn(): void {
    if (this.pending === 0) this.blocked.goOn();
  }

  // ---- its end

  /** What is on its way is served: GOAWAY, and once the client must have seen it, the one that is final (§6.8). */
  retire(): void {
    if (this.retired || this.gone) return;
    this.retired = true;
    this.frames.goAway(MOST_WINDOW, ERROR.none);
    this.frames.ping(null, 0);
    this.finalBy = this.state.now + NOTICE;
    this.mark();
  }

  answersPing(): void {
    if (this.retired) this.sayFinal();
  }

  private sayFinal(): void {
    if (this.isFinal) return;
    this.isFinal = true;
    this.said.final = this.said.last;
    this.frames.goAway(this.said.last, ERROR.none);
    this.mark();
    this.endIfDone();
  }

  leaves(code: number): void {
    if (code !== ERROR.none) {
      this.destroy();
      return;
    }
    this.retired = this.isFinal = true;
    this.endIfDone();
  }

  private endIfDone(): void {
    if (!this.isFinal || this.streams > 0 || this.ending || this.gone) return;
    this.ending = true;
    this.until = this.state.now + LINGER;
    this.mark();
  }

  /** Ends it and all that is open in it, by GOAWAY. */
  private give(code: number): void {
    if (this.ending || this.gone) return;
    this.retired = this.isFinal = true;
    this.frames.goAway(this.said.last, code);
    this.ending = true;
    this.until = this.state.now + LINGER;
    this.loseStreams();
    this.mark();
  }

  private floods(limit: 'stream_resets' | 'http2_overhead' | 'http2_session'): void {
    countLimit(this.state, limit);
    this.state.counters.global[GLOBAL.http2Failures]!++;
    this.give(ERROR.enhanceYourCalm);
  }

  /** The client breaks the rules (§5.4.1). */
  private breakOff(code: number): void {
    this.state.counters.global[GLOBAL.http2Failures]!++;
    this.give(code);
  }

  override expired(now: number): void {
    this.deadline = now + CHECK;
    if (this.ending) {
      if (now >= this.until) this.destroy();
      return;
    }
    if (this.over > 0 && !this.overhead.take(this.over, now)) this.floods('http2_overhead');
    this.over = Math.min(0, this.over);
    if (this.streams === 0 && now > this.idleSince + CHECK) this.free.length = 0;
    if (now >= this.finalBy) this.sayFinal();
    else if (!this.begun && now >= this.until) this.destroy();
    else if (now >= this.idleUntil) this.retire();
  }

  /** Infinity while something is under way. */
  get idleUntil(): number {
    return this.streams > 0 ? Infinity : this.idleSince + this.listener.table.keepAliveTimeout;
  }

  /** Nobody ends only one side of HTTP/2: whoever asked is gone. */
  override ended(): void {
    this.destroy();
  }

  override fail(error: unknown): void {
    caught(this.state, error);
    this.destroy();
  }

  /** At once, with all that is open in it. */
  destroy(): void {
    this.lose();
    this.socket.destroy();
  }

  private lose(): void {
    if (this.gone) return;
    this.gone = true;
    this.state.sweeper.remove(this);
    leaveListener(this.state, this.listener);
    this.loseStreams();
  }

  private loseStreams(): void {
    for (const client of this.clients.values()) client.guarded(() => client.lose());
    this.blocked.clear();
    this.resumed = [];
  }
}

const NOTHING = new Uint8Array(0);
/** The connection preface (RFC 9113 §3.4). */
const PREFACE = Buffer.from(PREFACE_TEXT, 'latin1');

/** HTTP/2 by prior knowledge on a listener of plain HTTP (53). */
export const PRIOR_KNOWLEDGE = {
  recognise(bytes: Uint8Array, start: number, end: number): 'yes' | 'no' | 'perhaps' {
    const length = Math.min(PREFACE.length, end - start);
    for (let i = 0; i < length; i++) if (bytes[start + i] !== PREFACE[i]) return 'no';
    return length === PREFACE.length ? 'yes' : 'perhaps';
  },
  takeOver(state: WorkerState, listener: ListenerPlace, socket: Socket, peer: string, first: Buffer): void {
    new Http2Connection(state, listener, socket, null, peer).start(first);
  },
};
