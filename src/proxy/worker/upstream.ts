/** Connections to real servers: made, kept while idle, lent to one exchange at a time. */
import net from 'node:net';
import type { TLSSocket } from 'node:tls';

import type { ChunkedDecoder } from '../../http/chunked.ts';
import type { PartialHead } from '../../http/partial-head.ts';
import type { KnownFields } from '../../http2/known-fields.ts';
import type { KnownHead } from '../../http2/known-heads.ts';
import type { EndpointPlan } from '../../model/plan.ts';
import { type Ends, proxyHeader } from '../../proxy-protocol/write-header.ts';
import { GLOBAL } from '../shared.ts';
import type { AdaptiveLimit } from './adaptive-limit.ts';
import { buffering, readTarget, rentLarge, returnLarge } from './buffers.ts';
import type { EndpointTls } from './endpoint-tls.ts';
import { Connection } from './io.ts';
import { notConnected, type Loss } from './loss.ts';
import { UP } from './phases.ts';
import { caught, type WorkerState } from './state.ts';
import { DIRECT } from './stream-state.ts';

/** Who uses a connection to a server: it hears what happens on it. */
export interface UpstreamUser {
  /** The connection stands: whatever is to be sent can be sent. */
  connected(upstream: Upstream): void;
  answered(upstream: Upstream, bytes: Uint8Array, length: number): void;
  /** The same of a stream whose answer begins with a plain head that was looked up; `bytes[start … end)`: what is there of its body. */
  recognised(upstream: Upstream, known: KnownHead, bytes: Uint8Array, start: number, end: number): void;
  lost(upstream: Upstream, how: Loss): void;
  /** The server has taken all that was written. */
  upstreamDrained(upstream: Upstream): void;
  /** A fault of ours was caught. */
  fail(error: unknown): void;
  /** Of a request that was written whole: the lines of its trailers; null where it had none. */
  requestTrailers(): readonly number[] | null;
  /** The fields of the request before, where it has one request after another; null: it has but one. */
  knownFields(): KnownFields | null;
  /** Between whom the client's connection is; null: nobody knows, or there is none. */
  ends(): Ends | null;
  /** It asks for a tunnel: an upgrade to websocket. */
  readonly upgrade: boolean;
  /** Idle connections that serve nobody else; null: it never had one. They end with it. */
  own: Upstream[] | null;
}

/** Where requests to an endpoint go as streams of a few connections. */
export interface StreamSource {
  /**
   * A stream, which may have to wait for its connection (its `connected` comes later); null where too many wait already.
   * `fresh`: of a connection that has not carried anything.
   */
  lend(state: WorkerState, user: UpstreamUser, timeout: number, fresh: boolean): Upstream | null;
  /** Its connections take no more streams; those that there are go on. */
  retire(): void;
}

/** Below the 5 s after which Node's own servers close an idle connection. */
const IDLE_TIMEOUT = 4000;
/** How long an answer that came before a failed write may take to be read. */
const DEAF_TIMEOUT = 1000;
/** How long a server may take for the end of a tunnel's bytes. */
const SEND_TIMEOUT = 60_000;
/** From the connection to the end of its TLS handshake. */
export const HANDSHAKE_TIMEOUT = 10_000;
/** Idle connections per endpoint and worker. */
const MAX_IDLE = 512;

/** One (address, port): its idle connections in this worker, the newest last. */
export interface Endpoint {
  readonly slot: number;
  plan: EndpointPlan;
  /** Null: it is spoken to without TLS. */
  tls: EndpointTls | null;
  readonly idle: Upstream[];
  /** Null: a connection carries one request at a time. */
  readonly streams: StreamSource | null;
  /** Null: nothing is measured. */
  readonly adaptive: AdaptiveLimit | null;
  /** How many rows have it; where one has it twice, twice. */
  rows: number;
  /** This worker has reported it, and it has not answered since. */
  suspected: boolean;
  /** When it was last reported (coarse clock). */
  reportedAt: number;
}

export class Upstream extends Connection {
  readonly state: WorkerState;
  readonly endpoint: Endpoint;
  /** null while it is idle. */
  user: UpstreamUser | null;
  connecting = true;
  /** TCP stands, TLS does not yet. */
  private shaking = false;
  /** Requests that it has carried. */
  requests = 0;
  /** Of the exchange: see relay.ts. */
  phase = 0;
  framing = 0;
  left = 0;
  interim = 0;
  reusable = false;
  decoder: ChunkedDecoder | null = null;
  /** Bytes of the present request may have reached the server. */
  sent = false;
  /** It takes no more of the request's body; an answer may have come before that. */
  deaf = false;
  /** The server has ended its side of a tunnel. */
  eof = false;
  /** Part of a head that was not complete. */
  held: PartialHead | null = null;
  /** How long it may be idle, in ms. */
  idleTimeout = IDLE_TIMEOUT;
  /** Whose it is, where its server was told: it serves nobody else. Null: it serves anybody. */
  private readonly owner: UpstreamUser | null;

  /**
   * `plain`: without TLS, whatever the endpoint says: what is passed through is encrypted already. `carrier`: the connection
   * that it is a stream of; null: it is one itself.
   */
  constructor(
    state: WorkerState,
    endpoint: Endpoint,
    user: UpstreamUser,
    timeout: number,
    plain: boolean,
    carrier: net.Socket | null = null,
  ) {
    const version = carrier === null ? endpoint.plan.proxyProtocol : null;
    const header = version === null ? null : proxyHeader(version, user.ends());
    const isTls = endpoint.tls !== null && !plain;
    super(carrier ?? (header === null && isTls ? openTls(state, endpoint) : openTcp(state, endpoint)));
    this.owner = header === null ? null : user;
    this.state = state;
    this.endpoint = endpoint;
    this.user = user;
    this.deadline = state.now + timeout;
    state.sweeper.add(this);
    if (carrier !== null) return;
    state.counters.global[GLOBAL.upstreamConnections]!++;
    state.counters.global[GLOBAL.upstreamActive]!++;
    waits(state, endpoint.slot);
    const { socket } = this;
    if (header !== null) this.introduce(header, isTls);
    else if (isTls) this.shake(socket as TLSSocket);
    else socket.on('connect', () => this.stands());
    socket.on('error', (error: NodeJS.ErrnoException) => this.guarded(() => this.lose(this.lossBy(error))));
    socket.on('close', () => this.guarded(() => this.lose(this.connecting && this.shaking ? 'tls' : 'reset')));
  }

  /** The header goes first, also before TLS. */
  private introduce(header: Buffer, isTls: boolean): void {
    const raw = this.socket;
    raw.on('connect', () => {
      if (this.gone) return;
      if (!isTls) {
        this.stands(header);
        return;
      }
      this.guarded(() => {
        raw.write(header);
        const secured = this.endpoint.tls!.connect(this.state, this.endpoint.plan.address, { socket: raw });
        secured.on('error', (error: NodeJS.ErrnoException) => this.guarded(() => this.lose(this.lossBy(error))));
        this.socket = secured;
        this.shake(secured);
        this.shakes();
      });
    });
  }

  private shake(socket: TLSSocket): void {
    socket.on('connect', () => this.shakes());
    socket.on('secureConnect', () => this.secured(socket));
  }

  private shakes(): void {
    this.shaking = true;
    this.deadline = this.state.now + HANDSHAKE_TIMEOUT;
  }

  private secured(socket: TLSSocket): void {
    const objection = this.endpoint.tls!.objection(socket);
    if (objection === null) this.stands();
    else this.guarded(() => this.lose(objection));
  }

  private stands(header: Buffer | null = null): void {
    if (this.gone) return;
    this.connecting = false;
    waitsNoMore(this.state, this.endpoint.slot);
    this.attach(false);
    this.guarded(() => {
      if (header !== null && !this.write(header, false)) this.lose('reset');
      else this.user?.connected(this);
    });
  }

  private lossBy(error: NodeJS.ErrnoException): Loss {
    if (!this.connecting) return 'reset';
    if (this.shaking) return this.endpoint.tls!.lossBy(this.socket as TLSSocket, error);
    return notConnected(error.code);
  }

  override received(bytes: Uint8Array, length: number): void {
    // 103: nobody asked, so whatever it is, it is not an answer to the next request
    if (this.user === null) this.destroy();
    else this.user.answered(this, bytes, length);
  }

  override ended(error: boolean): void {
    if (this.user === null) this.destroy();
    else this.lose(error ? 'reset' : 'end');
  }

  override drained(): void {
    this.user?.upstreamDrained(this);
  }

  override expired(): void {
    if (this.user === null) this.destroy();
    else this.lose(this.connecting ? 'connect_timeout' : this.deaf ? 'reset' : 'timeout');
  }

  /**
   * Servers that refuse a body answer and close. Our write fails then while their answer is still to be read: the read
   * tells what it is, at once. (A socket of the public API is destroyed by the failure.)
   */
  override writeFailed(): void {
    if (!DIRECT || this.user === null || this.phase === UP.tunnel) {
      this.ended(true);
      return;
    }
    this.deaf = true;
    // of an answer that has begun, the client sets the pace
    if (this.phase === UP.head) this.deadline = this.state.now + DEAF_TIMEOUT;
  }

  /** After a fault of ours: whoever uses it cannot go on either. */
  override fail(error: unknown): void {
    const user = this.user;
    this.destroy();
    if (user === null) caught(this.state, error);
    else user.fail(error);
  }

  /** Closes it, and tells who uses it. */
  lose(how: Loss): void {
    if (this.gone) return;
    const user = this.user;
    if (how === 'end' && user !== null) {
      user.lost(this, how);
      return;
    }
    this.destroy();
    user?.lost(this, how);
  }

  /** Closes it without a word. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    if (this.connecting) waitsNoMore(this.state, this.endpoint.slot);
    this.state.sweeper.remove(this);
    this.state.counters.global[GLOBAL.upstreamActive]!--;
    if (this.user === null) this.leaveIdle();
    this.user = null;
    if (this.buffer !== readTarget) returnLarge(this.buffer, false);
    if (this.nextBuffer !== null && this.nextBuffer !== readTarget) returnLarge(this.nextBuffer, true);
    this.socket.destroy();
  }

  /** After a complete exchange: kept for the next one, where that is possible. `bufferFree`: as in useSharedBuffer. */
  release(reusable: boolean, bufferFree: boolean): void {
    const { state, endpoint } = this;
    this.user = null;
    if (!reusable || this.gone || this.pending > 0 || endpoint.idle.length >= MAX_IDLE || state.draining) {
      discard(this);
      return;
    }
    this.requests++;
    this.resume();
    this.useSharedBuffer(bufferFree);
    this.deadline = state.now + this.idleTimeout;
    this.joinIdle();
  }

  /** Among the idle ones from now on. */
  private joinIdle(): void {
    this.endpoint.idle.push(this);
    if (this.owner !== null) (this.owner.own ??= []).push(this);
  }

  private leaveIdle(): void {
    removeIdle(this.endpoint.idle, this);
    if (this.owner?.own != null) removeIdle(this.owner.own, this);
  }

  /** Lends an idle one to whom it belongs. */
  lendOwn(): void {
    this.leaveIdle();
    this.lend(this.owner!);
  }

  lend(user: UpstreamUser): void {
    this.user = user;
    this.held = null;
    this.sent = false;
  }

  /** Long bodies: the next reads go to a large buffer, and are written from there. `free`: as in useSharedBuffer. */
  useLargeBuffer(free: boolean): void {
    // TLS hands out a record at a time, also while we do not read: what is written must not be read into
    if (this.tls !== null) return;
    if (buffering.saves) this.useSharedBuffer(free);
    else if (DIRECT && this.buffer === readTarget && this.nextBuffer === null) this.nextBuffer = rentLarge();
  }

  /** Back to the shared buffer; `free`: nothing of the large one is waiting to be written. */
  useSharedBuffer(free: boolean): void {
    if (this.nextBuffer !== null && this.nextBuffer !== readTarget) {
      returnLarge(this.nextBuffer, true);
      this.nextBuffer = null;
    }
    if (this.buffer === readTarget) return;
    this.nextBuffer = readTarget;
    this.bufferIsFree = free;
  }
}

/** One more waits for a connection to the endpoint. */
export function waits(state: WorkerState, slot: number): void {
  Atomics.add(state.shared.pending, slot, 1);
  state.pending[slot]!++;
}

export function waitsNoMore(state: WorkerState, slot: number): void {
  Atomics.sub(state.shared.pending, slot, 1);
  state.pending[slot]!--;
}

export const openTls = (state: WorkerState, { plan, tls }: Endpoint): TLSSocket =>
  tls!.connect(state, plan.address, state.guard.connectTo(plan));

export const openTcp = (state: WorkerState, { plan }: Endpoint): net.Socket =>
  net.connect({ ...state.guard.connectTo(plan), noDelay: true, allowHalfOpen: true });

/** Closes a connection that is in no list. */
export function discard(upstream: Upstream): void {
  if (upstream.gone) return;
  upstream.user = NOBODY;
  upstream.destroy();
}

/** Their client is gone. */
export function closeOwn(user: UpstreamUser): void {
  for (const upstream of user.own?.slice() ?? []) upstream.destroy();
}

/** What is left of a tunnel: closed once the server has got everything. */
export function closeWhenSent(upstream: Upstream): void {
  if (upstream.gone) return;
  upstream.user = NOBODY;
  upstream.deadline = upstream.state.now + SEND_TIMEOUT;
  upstream.endSide(() => upstream.destroy());
}

const NOBODY: UpstreamUser = {
  connected() {},
  answered() {},
  recognised() {},
  lost() {},
  upstreamDrained() {},
  fail() {},
  requestTrailers: () => null,
  knownFields: () => null,
  ends: () => null,
  upgrade: false,
  own: null,
};

function removeIdle(idle: Upstream[], upstream: Upstream): void {
  const index = idle.indexOf(upstream);
  if (index >= 0) idle.splice(index, 1);
}
