/** The filter Mirror: a copy of the request to another server, whose answer nobody waits for. */
import net from 'node:net';

import { proxyHeader } from '../../proxy-protocol/write-header.ts';
import type { Client } from './client.ts';
import type { WorkerState } from './state.ts';
import type { Target } from './tables.ts';
import type { Endpoint } from './upstream.ts';

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
    const socket = net.connect(client.state.guard.connectTo(endpoint.plan));
    socket.setTimeout(TIMEOUT, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => atOnce--);
    socket.on('connect', () => send(client.state, socket, endpoint, copy));
  }
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
