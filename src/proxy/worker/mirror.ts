/** The filter Mirror: a copy of the request to another server, whose answer nobody waits for. */
import net from 'node:net';

import { proxyHeader } from '../../proxy-protocol/write-header.ts';
import type { Client } from './client.ts';
import type { WorkerState } from './state.ts';
import type { Target } from './tables.ts';
import { discard, type Endpoint, type StreamSource, type Upstream, type UpstreamUser } from './upstream.ts';

/** Copies on their way at once, per worker: what is over is not mirrored. */
const MAX_AT_ONCE = 64;
const TIMEOUT = 5000;
let atOnce = 0;

/** Only a request that is here as a whole is mirrored: a copy must not hold up the original. */
export function mirror(client: Client, target: Target): void {
  if (!client.bodyDone || client.retained === null) return;
  for (const { place, percent } of target.mirrors) {
    if (atOnce >= MAX_AT_ONCE || Math.random() * 100 >= percent) continue;
    const { endpoints } = place.row;
    const endpoint = endpoints[Math.floor(Math.random() * endpoints.length)];
    if (endpoint === undefined) continue;
    atOnce++;
    const copy = Buffer.from(client.retained.subarray(0, client.retainedLength));
    if (endpoint.streams === null) connect(client, endpoint, copy);
    else new Copy(client, copy).send(client, endpoint.streams);
  }
}

function connect({ state }: Client, endpoint: Endpoint, copy: Buffer): void {
  const socket = net.connect(state.guard.connectTo(endpoint.plan));
  socket.setTimeout(TIMEOUT, () => socket.destroy());
  socket.on('error', () => {});
  socket.on('close', () => atOnce--);
  socket.on('connect', () => send(state, socket, endpoint, copy));
}

function send(state: WorkerState, raw: net.Socket, { plan, tls }: Endpoint, copy: Buffer): void {
  // the client has no part in this connection
  if (plan.proxyProtocol !== null) raw.write(proxyHeader(plan.proxyProtocol, null));
  const socket = tls?.connect(state, plan.address, { socket: raw }) ?? raw;
  socket.on('error', () => {});
  socket.on('data', () => {});
  // our own end tells the server that nothing follows; it answers, and closes
  socket.end(copy);
}

/** As a stream of a connection that others use as well. */
class Copy implements UpstreamUser {
  private readonly bytes: Buffer;
  private readonly trailers: readonly number[] | null;
  private isOver = false;
  /** Nobody would be there for the tunnel. */
  readonly upgrade = false;
  readonly own = null;

  constructor(client: Client, bytes: Buffer) {
    this.bytes = bytes;
    this.trailers = client.requestTrailers();
  }

  send({ state }: Client, streams: StreamSource): void {
    const upstream = streams.lend(state, this, TIMEOUT, false);
    if (upstream === null) this.end();
    else if (!upstream.connecting) this.connected(upstream);
  }

  connected(upstream: Upstream): void {
    upstream.deadline = upstream.state.now + TIMEOUT;
    if (!upstream.write(this.bytes, false)) this.lost(upstream);
  }

  /** The first of the answer shows that the request was taken up. */
  answered(upstream: Upstream): void {
    upstream.release(false, false);
    this.end();
  }

  recognised(upstream: Upstream): void {
    this.answered(upstream);
  }

  lost(upstream: Upstream): void {
    discard(upstream);
    this.end();
  }

  private end(): void {
    if (!this.isOver) atOnce--;
    this.isOver = true;
  }

  upstreamDrained(): void {}

  ends(): null {
    return null;
  }

  fail(): void {
    this.end();
  }

  requestTrailers(): readonly number[] | null {
    return this.trailers;
  }

  knownFields(): null {
    return null;
  }
}
