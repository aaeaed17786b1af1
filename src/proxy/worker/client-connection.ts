/** A client's connection: its requests one after another, in order, and what surrounds them. */
import type { Socket } from 'node:net';

import { INCOMPLETE } from '../../http/bad.ts';
import { parseRequest } from '../../http/parse-request.ts';
import { isWorthParsing } from '../../http/partial-head.ts';
import type { KnownHead } from '../../http2/known-heads.ts';
import type { ReasonWord } from '../../model/reasons.ts';
import { GLOBAL } from '../shared.ts';
import { abandon } from './abandon.ts';
import { countAnswer, leaveListener, logAnswer } from './accounting.ts';
import { closeGently } from './answers.ts';
import { clientExpired } from './client-deadline.ts';
import { Client, type Secure } from './client.ts';
import { discardBody } from './discard-body.ts';
import { upstreamConnected } from './dispatch.ts';
import { begin } from './exchange.ts';
import { head } from './heads.ts';
import type { Loss } from './loss.ts';
import { MAX_HELD, PHASE } from './phases.ts';
import { refuseHead } from './refuse-head.ts';
import { answerArrived, recognisedArrived, resumeAnswer, upstreamLost } from './relay.ts';
import { bodyArrived, setDeadlines } from './request-body.ts';
import type { WorkerState } from './state.ts';
import { caught, countLimit, countReason } from './state.ts';
import type { ListenerPlace } from './tables.ts';
import { tunnelConnected, tunnelEnded, tunnelFromClient } from './tunnel.ts';
import { closeOwn, type Upstream } from './upstream.ts';
import { admitWaiting, waitedInVain } from './waited.ts';

export class ClientConnection extends Client {
  /** Null: it can be nothing but HTTP/1.1. */
  private readonly other: OtherProtocol | null;

  constructor(
    state: WorkerState,
    listener: ListenerPlace,
    socket: Socket,
    secure: Secure | null,
    peer: string,
    other: OtherProtocol | null,
  ) {
    super(state, listener, socket, secure, peer);
    this.other = other;
    this.watch();
  }

  /** From now on it is looked after. */
  protected watch(): void {
    this.state.sweeper.add(this);
    this.socket.on('error', () => this.ended(true));
    this.socket.on('close', () => this.ended(true));
  }

  override start(): void {
    this.attach(true);
    if (this.handle === null) this.ended(true);
  }

  override received(bytes: Uint8Array, length: number): void {
    const state = this.state;
    state.counters.global[GLOBAL.bytesReceived]! += length;
    switch (this.phase) {
      case PHASE.head:
        if (this.held === null) {
          bytes[length] = 0;
          this.serve(bytes, 0, length);
          return;
        }
        this.hold(bytes, 0, length);
        if (this.isHeldWorthParsing(length)) this.serveHeld();
        return;
      case PHASE.exchange: {
        const rest = this.bodyDone ? 0 : bodyArrived(this, bytes, 0, length);
        if (rest === length || this.isClosing()) return;
        if (!this.inExchange()) {
          // the server was lost while it got the body's end, and that is answered
          this.serveRest(bytes, rest, length);
          return;
        }
        this.hold(bytes, rest, length);
        if (this.heldLength <= MAX_HELD || this.paused) return;
        countLimit(this.state, 'pipelined_bytes');
        this.pause();
        return;
      }
      case PHASE.discard:
        this.serveRest(bytes, discardBody(this, bytes, 0, length), length);
        return;
      case PHASE.tunnel:
        tunnelFromClient(this, bytes, length);
        return;
    }
  }

  /** `length` bytes of what is held are new. */
  private isHeldWorthParsing(length: number): boolean {
    const { held, heldLength } = this;
    if (heldLength > this.listener.table.headerBytes) return true;
    return isWorthParsing(held!, heldLength - length, heldLength, this.headParsed);
  }

  /** Requests in `bytes[start … end)`, one after another, until one has to wait. `bytes[end]` is 0. */
  private serve(bytes: Uint8Array, start: number, end: number): void {
    let p = start;
    this.serving = true;
    while (p < end && this.phase === PHASE.head && this.pending === 0 && !this.gone) {
      const next = parseRequest(head, bytes, p, end);
      const limit = this.listener.table.headerBytes;
      if (next > p && next - p <= limit) {
        this.headBegun = false;
        p = begin(this, bytes, next, end);
        continue;
      }
      if (next === INCOMPLETE && end - p <= limit) {
        this.serving = false;
        this.waitForRest(bytes, p, end);
        return;
      }
      this.serving = false;
      const other = this.requests === 0 && this.other !== null ? this.other.recognise(bytes, p, end) : 'no';
      if (other === 'no') refuseHead(this, next, bytes, p, end);
      else if (other === 'perhaps') this.waitForRest(bytes, p, end);
      else this.becomeOther(bytes, p, end);
      return;
    }
    this.serving = false;
    if (this.isClosing()) return;
    if (p < end) this.hold(bytes, p, end);
    if (this.phase === PHASE.head && this.pending > 0) this.awaitReader();
  }

  /** The connection goes on as another's, and remains counted. */
  private becomeOther(bytes: Uint8Array, start: number, end: number): void {
    const first = Buffer.from(bytes.subarray(start, end));
    this.handOver(true);
    this.gone = true;
    this.state.sweeper.remove(this);
    this.other!.takeOver(this.state, this.listener, this.socket, this.peer, first);
  }

  /** What came behind a body that was thrown away. */
  private serveRest(bytes: Uint8Array, start: number, end: number): void {
    if (start === end || this.gone || this.phase !== PHASE.head) return;
    bytes[end] = 0;
    this.serve(bytes, start, end);
  }

  /** As a call, because the phase changes under the compiler's eyes. */
  private isClosing(): boolean {
    return this.phase === PHASE.closing || this.gone;
  }

  private inExchange(): boolean {
    return this.phase === PHASE.exchange;
  }

  private serveHeld(): void {
    const bytes = this.held;
    if (bytes === null) return;
    const length = this.heldLength;
    this.held = null;
    this.heldLength = 0;
    bytes[length] = 0;
    this.serve(bytes, 0, length);
  }

  override next(): void {
    this.phase = PHASE.head;
    // what is idle must not keep the tables of a configuration that is no more
    this.virtualServer = this.target = this.row = null;
    this.becomeIdle();
    if (!this.serving) this.goOn();
  }

  private becomeIdle(): void {
    this.idleSince = this.state.now;
    this.deadline = this.state.now + (this.limits?.keepAliveTimeout ?? this.listener.table.keepAliveTimeout);
  }

  /** To the next request: as far as it is here already, else as it comes. */
  private goOn(): void {
    if (this.held !== null && this.pending === 0) this.serveHeld();
    if (this.gone || this.phase !== PHASE.head) return;
    if (this.pending > 0) this.awaitReader();
    else if (this.eof) this.close();
    else this.resume();
  }

  /** Answers wait for the client: who does not take them is not served on, or they would pile up in our memory. */
  private awaitReader(): void {
    this.pause();
    this.deadline = this.state.now + this.writeTimeout();
  }

  private waitForRest(bytes: Uint8Array, start: number, end: number): void {
    if (this.eof) {
      this.close();
      return;
    }
    this.hold(bytes, start, end);
    this.headParsed = (this.headBegun ? this.headParsed : 0) + end - start;
    if (this.headBegun) return;
    this.headBegun = true;
    this.deadline = this.state.now + this.listener.table.headTimeout;
  }

  override ended(error: boolean): void {
    if (this.gone) return;
    this.eof = true;
    if (!error && this.phase === PHASE.tunnel) {
      tunnelEnded(this);
      return;
    }
    // 88: a client that has ended its side still wants its answers
    if (!error && this.phase === PHASE.exchange && this.bodyDone) return;
    if (!error && this.finishesWriting()) return;
    if (this.phase === PHASE.exchange) countReason(this.state, 'client_gone');
    this.destroy();
  }

  override drained(): void {
    if (this.phase === PHASE.exchange || this.phase === PHASE.tunnel) {
      resumeAnswer(this);
    } else if (this.phase === PHASE.head) {
      this.becomeIdle();
      if (!this.serving) this.goOn();
    }
  }

  /** The client has ended its side, and something is still on its way to it. */
  private finishesWriting(): boolean {
    if (this.phase === PHASE.closing) return !this.socket.writableFinished;
    if (this.phase === PHASE.exchange || !this.isWriting()) return false;
    // requests that wait for that are served then
    if (this.phase !== PHASE.head || this.pending === 0) this.close();
    return true;
  }

  override expired(now: number): void {
    clientExpired(this, now);
  }

  /** After a fault of ours. */
  override fail(error: unknown): void {
    caught(this.state, error);
    this.reset('internal');
  }

  override close(): void {
    closeGently(this);
  }

  override destroy(why: ReasonWord = 'client_gone', close: () => void = () => this.socket.destroy()): void {
    if (this.gone) return;
    this.gone = true;
    if (this.phase === PHASE.exchange || this.phase === PHASE.tunnel) {
      countAnswer(this, this.answerStarted ? this.status : 0);
      logAnswer(this, why);
    }
    abandon(this);
    if (this.own !== null) closeOwn(this);
    this.state.sweeper.remove(this);
    this.leave();
    if (this.load !== null) this.load.clients--;
    this.load = null;
    this.held = null;
    close();
  }

  /** It is no connection of its listener any more. */
  protected leave(): void {
    leaveListener(this.state, this.listener);
  }

  // ---- what happens at the server's side

  override connected(upstream: Upstream): void {
    if (this.phase === PHASE.tunnel) tunnelConnected(this, upstream);
    else upstreamConnected(this, upstream);
  }

  override answered(upstream: Upstream, bytes: Uint8Array, length: number): void {
    answerArrived(this, upstream, bytes, length);
  }

  override recognised(upstream: Upstream, known: KnownHead, bytes: Uint8Array, start: number, end: number): void {
    recognisedArrived(this, upstream, known, bytes, start, end);
  }

  override lost(upstream: Upstream, how: Loss): void {
    upstreamLost(this, upstream, how);
  }

  override admit(): boolean {
    return admitWaiting(this);
  }

  override waitedInVain(limit: 'queue_time' | 'queue_deadline'): void {
    waitedInVain(this, limit);
  }

  override upstreamDrained(upstream: Upstream): void {
    if (!this.eof && this.heldLength <= MAX_HELD) this.resume();
    if (this.phase === PHASE.exchange) setDeadlines(this, upstream);
  }
}

/** What a connection may turn out to be, by what it says first. */
export interface OtherProtocol {
  /** Of `bytes[start … end)`, which is no beginning of HTTP/1.1. */
  recognise(bytes: Uint8Array, start: number, end: number): 'yes' | 'no' | 'perhaps';
  /** `first`: all that has been read of it. */
  takeOver(state: WorkerState, listener: ListenerPlace, socket: Socket, peer: string, first: Buffer): void;
}
