/** A client's connection as those know it who serve its requests: what is kept of it, and what may be asked of it. */
import type { Socket } from 'node:net';

import type { ChunkedDecoder } from '../../http/chunked.ts';
import { KnownFields } from '../../http2/known-fields.ts';
import type { KnownHead } from '../../http2/known-heads.ts';
import type { ReasonWord } from '../../model/reasons.ts';
import type { Limits } from '../../model/snapshot.ts';
import type { Ends } from '../../proxy-protocol/write-header.ts';
import { endsOf } from './ends.ts';
import { forwardedLines } from './forwarded-lines.ts';
import { Connection } from './io.ts';
import type { Loss } from './loss.ts';
import { PHASE } from './phases.ts';
import type { Waiter, Waiting } from './queue.ts';
import type { WorkerState } from './state.ts';
import type { ListenerPlace, Row, Target, VirtualServer } from './tables.ts';
import type { Trace } from './tracing.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';

export abstract class Client extends Connection implements UpstreamUser, Waiter {
  readonly state: WorkerState;
  /** Its listener's table is looked up anew for each request: a swap holds from the next one on. */
  readonly listener: ListenerPlace;
  readonly peer: string;
  /** Lines that tell the server who asks; ends with the head's empty line. */
  readonly forwarded: Uint8Array;
  readonly trusted: boolean;
  /** Null: not by TLS. */
  readonly secure: Secure | null;
  readonly scheme: 'http' | 'https';
  phase: number = PHASE.head;
  requests = 0;
  /** When its last request was over (coarse clock). */
  idleSince = 0;
  eof = false;
  /** Within `serve`: a request that is finished at once must not start the next one by itself. */
  serving = false;
  /** Bytes that wait: the beginning of a head, or what was pipelined. */
  held: Uint8Array | null = null;
  heldLength = 0;
  /** Part of a head is there, and its deadline set: it holds for the whole head (108). */
  headBegun = false;
  /** Bytes that parsing it has looked at (see `isWorthParsing`). */
  headParsed = 0;

  // ---- the request
  minor = 1;
  keep = true;
  isHead = false;
  isIdempotent = false;
  acceptsTrailers = false;
  upgrade = false;
  expectsContinue = false;
  bodyDone = true;
  /** −1 = chunked, else what is still to come. */
  bodyLeft = 0;
  bodyBytes = 0;
  /** When the body was first called for (coarse clock). */
  bodySince = 0;
  decoder: ChunkedDecoder | null = null;
  startedAt = 0;
  /** When it was last sent to a server whose answers are measured (coarse clock). */
  dispatchedAt = 0;
  /** Its place among those that wait for a server to have room; null: it does not wait. */
  inQueue: Waiting | null = null;
  /** Milliseconds for which it has waited. */
  waited = 0;
  logged: Logged | null = null;
  trace: Trace | null = null;

  // ---- of the virtual server of its last request
  limits: Limits | null = null;
  load: VirtualServer['load'] | null = null;

  // ---- the exchange
  virtualServer: VirtualServer | null = null;
  target: Target | null = null;
  row: Row | null = null;
  /** Index into `row.endpoints`; −1 = none chosen. */
  choice = -1;
  tried: number[] = [];
  attempts = 0;
  /** A reused connection was found dead, and a fresh one to the same endpoint is tried. */
  fresh = false;
  upstream: Upstream | null = null;
  own: Upstream[] | null = null;
  private fields: KnownFields | null = null;
  /** What was sent, for another try: the head, and the body so far if `retainedWhole`. */
  retained: Uint8Array | null = null;
  retainedLength = 0;
  retainedWhole = false;
  answerStarted = false;
  /** The body of the answer goes out in chunks of ours. */
  chunkAnswer = false;
  status = 0;
  bytesSent = 0;
  setCookie = '';
  /**
   * What is written may be a megabyte at once. Not to one of many streams, which must not keep that waiting, and not through TLS, which
   * makes a copy of it all before the first byte goes out.
   */
  takesLarge: boolean;

  /** `peer`: numeric address of whoever asks. */
  constructor(state: WorkerState, listener: ListenerPlace, socket: Socket, secure: Secure | null, peer: string) {
    super(socket);
    this.state = state;
    this.listener = listener;
    this.secure = secure;
    this.takesLarge = secure === null;
    this.peer = peer;
    this.trusted = state.trusted.has(peer);
    this.scheme = secure === null ? 'http' : 'https';
    this.forwarded = forwardedLines(peer, this.scheme);
    this.idleSince = state.now;
    this.deadline = state.now + listener.table.keepAliveTimeout;
  }

  /** As the access log names it. */
  get protocol(): 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' {
    return this.minor === 0 ? 'HTTP/1.0' : 'HTTP/1.1';
  }

  /** Begins to read. */
  abstract start(): void;
  /** The exchange is over and the connection goes on. */
  abstract next(): void;
  /** Says nothing more, and waits for the client to see it. */
  abstract close(): void;
  /** Closes; a request that is on its way is given up: the access log says `why`. */
  abstract destroy(why?: ReasonWord, close?: () => void): void;
  abstract connected(upstream: Upstream): void;
  abstract answered(upstream: Upstream, bytes: Uint8Array, length: number): void;
  abstract recognised(upstream: Upstream, known: KnownHead, bytes: Uint8Array, start: number, end: number): void;
  abstract lost(upstream: Upstream, how: Loss): void;
  abstract upstreamDrained(upstream: Upstream): void;
  abstract admit(): boolean;
  abstract waitedInVain(limit: 'queue_time' | 'queue_deadline'): void;

  requestTrailers(): readonly number[] | null {
    return this.bodyLeft < 0 ? (this.decoder?.trailers ?? null) : null;
  }

  /** Made for those whose requests go out over HTTP/2. */
  knownFields(): KnownFields | null {
    return (this.fields ??= new KnownFields());
  }

  /** Closes with a reset: the client must not take what it got for the whole. `why` is for the access log. */
  reset(why: ReasonWord): void {
    if (this.gone) return;
    // a TLS socket cannot be reset: the one below can, and takes it along
    const raw = this.secure === null ? this.socket : this.secure.raw;
    // libuv refuses to reset a socket whose end is on its way out, and Node then takes it for closed and never closes it
    const canReset = !this.socket.writableEnded;
    this.destroy(why, () => (canReset ? raw.resetAndDestroy() : raw.destroy()));
  }

  ends(): Ends | null {
    return endsOf(this.secure === null ? this.socket : this.secure.raw);
  }

  /** Keeps `bytes[start … end)` for later. */
  hold(bytes: Uint8Array, start: number, end: number): void {
    const length = this.heldLength + end - start;
    let held = this.held;
    if (held === null || held.length < length + 1) {
      const larger = Buffer.allocUnsafe(Math.max(512, 2 * length));
      if (held !== null) larger.set(held.subarray(0, this.heldLength));
      held = larger;
      this.held = held;
    }
    held.set(bytes.subarray(start, end), this.heldLength);
    this.heldLength = length;
  }

  writeTimeout(): number {
    return this.limits?.writeTimeout ?? 60_000;
  }

  /** Something that was written has not gone out yet. */
  isWriting(): boolean {
    return this.pending > 0 || this.socket.writableLength > 0;
  }
}

/** What is told of a request when it is over. */
export interface Logged {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  /** It is one of the access log's sample. */
  readonly inLog: boolean;
}

/** What the handshake told. */
export interface Secure {
  /** The connection below. */
  readonly raw: Socket;
  /** Whom the client asked for, in lower case; '' = nobody by name. */
  readonly serverName: string;
  /** The authorities that its certificate was judged by (see TlsSite); '' = it was not asked for one. */
  readonly authority: string;
}
