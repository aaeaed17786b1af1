/** A connection to a server that carries the streams of many exchanges (HTTP/2, RFC 9113). */
import type { TLSSocket } from 'node:tls';

import { FrameReader } from '../../http2/frame-reader.ts';
import { FrameWriter } from '../../http2/frame-writer.ts';
import { ERROR, WINDOW } from '../../http2/frames.ts';
import { GLOBAL } from '../shared.ts';
import { deliverKept } from './answer-bytes.ts';
import { frameTarget, readFrames } from './frame-input.ts';
import { writeFrames } from './frame-output.ts';
import { Gathering } from './gathering.ts';
import { Connection } from './io.ts';
import { notConnected, type Loss } from './loss.ts';
import { type Outflow, WaitingOutflows } from './outflow.ts';
import { caught, type WorkerState } from './state.ts';
import { type FrameHost, StreamFrames } from './stream-frames.ts';
import { putPreface } from './stream-preface.ts';
import { StreamTable } from './stream-table.ts';
import { atTurnEnd } from './turn-end.ts';
import { type Carrier, UpstreamStream } from './upstream-stream.ts';
import {
  type Endpoint,
  HANDSHAKE_TIMEOUT,
  openTcp,
  openTls,
  type UpstreamUser,
  waits,
  waitsNoMore,
} from './upstream.ts';

/** Without a stream. Servers say with GOAWAY what they have not taken up any more, so that nothing is lost by waiting. */
const IDLE_TIMEOUT = 60_000;
const WRITE_TIMEOUT = 60_000;
/** How long a server may take to answer a PING after it has not answered a request. */
const PING_TIMEOUT = 2000;

export interface CarrierOwner {
  /** Streams at once that the server takes, as far as it has said. */
  capacity: number;
  gone(connection: StreamConnection): void;
}

export class StreamConnection extends Connection implements Carrier, FrameHost {
  readonly state: WorkerState;
  readonly endpoint: Endpoint;
  /** Its requests are https. */
  readonly secure: boolean;
  /** It carries nothing else, and nothing before the server has said that it takes them. */
  readonly isForTunnels: boolean;
  readonly frames = new FrameWriter();
  window = WINDOW;
  connecting = true;
  /** TCP stands, TLS does not yet. */
  private shaking = false;
  /** Until when TLS, or the server's settings, may take. */
  private beginsBy = Infinity;
  /** Takes no more streams. */
  retired = false;
  private readonly owner: CarrierOwner;
  private readonly table = new StreamTable();
  private readonly said = new StreamFrames(this, this.table);
  private readonly reader = new FrameReader(this.said, 'server');
  private readonly waiting: UpstreamStream[] = [];
  private readonly free: UpstreamStream[] = [];
  /** Streams that wait for a window. */
  private readonly blocked = new WaitingOutflows();
  /** Streams that go on after a pause. */
  private resumed: UpstreamStream[] = [];
  private active = 0;
  /** Answers that came whole. */
  private answered = 0;
  private marked = false;
  private readonly gathering = new Gathering();
  private pinged = false;

  constructor(state: WorkerState, endpoint: Endpoint, owner: CarrierOwner, timeout: number, isForTunnels: boolean) {
    super(endpoint.tls === null ? openTcp(state, endpoint) : openTls(state, endpoint));
    this.secure = endpoint.tls !== null;
    this.state = state;
    this.endpoint = endpoint;
    this.owner = owner;
    this.isForTunnels = isForTunnels;
    this.said.capacity = owner.capacity;
    this.deadline = state.now + timeout;
    state.sweeper.add(this);
    state.counters.global[GLOBAL.upstreamConnections]!++;
    state.counters.global[GLOBAL.upstreamActive]!++;
    const { socket } = this;
    socket.on('connect', () => this.guarded(() => (this.secure ? this.shakes() : this.stands())));
    socket.on('secureConnect', () => this.guarded(() => this.secured()));
    socket.on('error', (error: NodeJS.ErrnoException) => this.guarded(() => this.lose(this.lossBy(error))));
    socket.on('close', () => this.guarded(() => this.lose(this.connecting && this.shaking ? 'tls' : 'reset')));
  }

  // ---- streams

  /** How many more it takes, as far as is known. */
  get room(): number {
    return this.retired ? 0 : this.said.capacity - this.active - this.waiting.length;
  }

  /** It has not answered anything so far. */
  get isFresh(): boolean {
    return this.answered === 0;
  }

  get load(): number {
    return this.active + this.waiting.length;
  }

  get mustWait(): boolean {
    return this.connecting || this.active >= this.said.capacity || (this.isForTunnels && !this.said.takesTunnels);
  }

  /** A stream for one exchange: it waits where the connection does not stand yet, or is full. */
  lend(user: UpstreamUser, timeout: number): UpstreamStream {
    const stream = this.free.pop() ?? new UpstreamStream(this.state, this.endpoint, user, timeout, this);
    const hasBegun = this.connecting ? this.shaking : this.isUnsettled;
    stream.lendTo(user, hasBegun ? this.beginsBy : this.state.now + timeout);
    stream.requests = this.answered;
    stream.connecting = this.mustWait;
    if (stream.connecting) {
      this.waiting.push(stream);
      waits(this.state, this.endpoint.slot);
      if (this.isForTunnels && this.said.refusesTunnels) setImmediate(() => this.guarded(() => this.refuse()));
    } else this.active++;
    return stream;
  }

  /** It stands, and nobody knows yet whether it takes tunnels. */
  private get isUnsettled(): boolean {
    return this.isForTunnels && !this.connecting && !this.said.isSettled;
  }

  private refuse(): void {
    if (this.said.refusesTunnels) for (const stream of this.waiting.slice()) stream.lose('no_websocket');
  }

  settled(): void {
    this.owner.capacity = Math.max(1, this.said.capacity);
    this.admit();
    if (!this.isForTunnels) return;
    if (this.pending === 0 && !this.pinged) this.rests();
    this.refuse();
    // on another connection: the end of a tunnel is nothing to wait for
    for (const stream of this.waiting.slice()) stream.wasReset(true);
  }

  number(stream: UpstreamStream): void {
    this.table.add(stream);
    this.gathering.add();
    if (this.table.isUsedUp) this.retire();
    this.deadline = this.pinged || this.pending > 0 ? this.deadline : Infinity;
    this.state.counters.global[GLOBAL.upstreamStreams]!++;
  }

  left(stream: UpstreamStream, reusable: boolean): void {
    const at = stream.id === 0 ? this.waiting.indexOf(stream) : -1;
    if (at >= 0) {
      this.waiting.splice(at, 1);
      waitsNoMore(this.state, this.endpoint.slot);
    } else this.active--;
    if (stream.id > 0) this.table.remove(stream);
    if (reusable) {
      this.answered++;
      stream.deadline = Infinity;
      this.free.push(stream);
    }
    if (this.gone) return;
    this.admit();
    if (this.active > 0 || this.waiting.length > 0) return;
    if (this.retired || this.state.draining) this.closeWhenIdle();
    else if (!this.pinged && this.pending === 0) this.rests();
  }

  /** There is nothing that the kernel has to take, or the server to answer at once. */
  private rests(): void {
    if (this.isUnsettled) this.deadline = this.beginsBy;
    else this.deadline = this.load === 0 ? this.state.now + IDLE_TIMEOUT : Infinity;
  }

  /** Those that wait, as far as there is room now. */
  admit(): void {
    while (!this.gone && this.waiting.length > 0 && !this.mustWait) {
      const stream = this.waiting.shift()!;
      this.active++;
      waitsNoMore(this.state, this.endpoint.slot);
      stream.connecting = false;
      try {
        stream.user?.connected(stream);
      } catch (error) {
        stream.fail(error);
      }
    }
  }

  /** Takes no more streams; ends with the last. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    for (const stream of this.waiting.slice()) stream.wasReset(true);
    if (this.active === 0) this.closeWhenIdle();
  }

  private closeWhenIdle(): void {
    if (this.gone) return;
    this.retired = true;
    if (!this.connecting) {
      this.frames.goAway(0, ERROR.none);
      this.flush();
    }
    // the end of a tunnel, and what came before it, is still to be taken
    if (this.pending === 0) this.destroy();
  }

  // ---- writing

  get initialWindow(): number {
    return this.said.initialWindow;
  }

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

  deliver(stream: UpstreamStream): void {
    this.resumed.push(stream);
    this.mark();
  }

  /** All that has come about in this turn, and in those before it that were waited for, in one write. */
  turn(): void {
    this.marked = false;
    if (this.gone) return;
    if (this.resumed.length === 0 && this.gathering.goesOn(this.active, this.frames.length)) {
      this.mark();
      return;
    }
    if (this.resumed.length > 0) {
      const { resumed } = this;
      this.resumed = [];
      for (const stream of resumed) deliverKept(stream);
    }
    this.flush();
  }

  private flush(): void {
    if (this.gone || this.connecting || this.pending > 0 || this.frames.length === 0) return;
    if (!this.writeFrames()) this.lose('reset');
  }

  relieve(): void {
    // what becomes of its streams is not for one of them to see
    if (!this.gone && !this.connecting && this.pending === 0 && !this.writeFrames()) this.socket.destroy();
  }

  /** @returns false where the connection is gone */
  private writeFrames(): boolean {
    this.gathering.ends();
    const went = writeFrames(this, this.frames);
    if (this.pending > 0) this.deadline = this.state.now + WRITE_TIMEOUT;
    return went;
  }

  override drained(): void {
    this.frames.release();
    if (this.pinged) this.deadline = this.state.now + PING_TIMEOUT;
    else this.rests();
    this.blocked.goOn();
    this.flush();
    if (this.retired && this.load === 0 && this.pending === 0) this.destroy();
  }

  // ---- its beginning and its end

  /** Who waits has as long as the handshake has; for a tunnel, the server's settings belong to it. */
  private shakes(): void {
    this.shaking = true;
    this.awaitBy(this.state.now + HANDSHAKE_TIMEOUT);
  }

  private awaitBy(deadline: number): void {
    this.beginsBy = this.deadline = deadline;
    for (const stream of this.waiting) stream.deadline = deadline;
  }

  private secured(): void {
    const objection = this.endpoint.tls!.objection(this.socket as TLSSocket);
    if (objection === null) this.stands();
    else this.lose(objection);
  }

  private lossBy(error: NodeJS.ErrnoException): Loss {
    if (!this.connecting) return 'reset';
    return this.shaking ? this.endpoint.tls!.lossBy(this.socket as TLSSocket, error) : notConnected(error.code);
  }

  private stands(): void {
    if (this.gone) return;
    this.connecting = false;
    this.attach(false);
    this.nextBuffer = frameTarget;
    putPreface(this.frames);
    this.mark();
    if (this.isForTunnels) this.awaitBy(this.state.now + HANDSHAKE_TIMEOUT);
    this.admit();
    this.rests();
  }

  /** Of those who waited for an answer, one has got none in time. */
  doubt(): void {
    if (this.pinged || this.gone || this.connecting) return;
    this.pinged = true;
    this.deadline = this.state.now + PING_TIMEOUT;
    this.frames.ping(null, 0);
    this.mark();
  }

  answersPing(): void {
    if (!this.pinged) return;
    this.pinged = false;
    if (this.pending === 0) this.rests();
  }

  goneAway(last: number): void {
    this.retired = true;
    for (const stream of this.table.all()) if (stream.id > last && !stream.gone) stream.wasReset(true);
    for (const stream of this.waiting.slice()) stream.wasReset(true);
    if (this.load === 0) this.closeWhenIdle();
  }

  override expired(now: number): void {
    if (this.connecting || this.isUnsettled) this.lose('connect_timeout');
    else if (this.pending > 0 && this.takesMore()) this.deadline = now + WRITE_TIMEOUT;
    else if (this.load === 0 && this.pending === 0) this.closeWhenIdle();
    else this.lose('reset');
  }

  override ended(): void {
    this.lose('reset');
  }

  override fail(error: unknown): void {
    caught(this.state, error);
    this.lose('reset');
  }

  /** All of its streams are lost with it. */
  private lose(how: Loss): void {
    if (this.gone) return;
    const streams = [...this.table.all(), ...this.waiting];
    this.destroy();
    for (const stream of streams) {
      stream.sidesEnd();
      stream.lose(how);
    }
  }

  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.owner.gone(this);
    this.state.sweeper.remove(this);
    this.state.counters.global[GLOBAL.upstreamActive]!--;
    for (const stream of this.free.splice(0)) stream.destroy();
    this.socket.destroy();
  }

  /** The server breaks the rules: RFC 9113 §5.4.1. */
  private breakOff(code: number): void {
    this.state.counters.global[GLOBAL.upstreamFaults]!++;
    this.frames.goAway(0, code);
    this.flush();
    this.lose('malformed');
  }

  // ---- reading

  override received(bytes: Uint8Array, length: number): void {
    const error = readFrames(this.reader, bytes, length);
    this.said.readEnds();
    if (this.gone) return;
    if (error !== ERROR.none) this.breakOff(error);
    else this.blocked.goOn();
  }
}
