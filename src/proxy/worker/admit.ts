/** A connection whose client is known begins: as what its listener's protocol makes of it. */
import type { Socket } from 'node:net';

import { GLOBAL } from '../shared.ts';
import { Arrival } from './arrival.ts';
import { ClientConnection } from './client-connection.ts';
import { PRIOR_KNOWLEDGE } from './http2-connection.ts';
import type { WorkerState } from './state.ts';
import type { ListenerPlace } from './tables.ts';
import { acceptTcp } from './tunnel.ts';

/** `bytes[0 … length)`: what it has said already, with room for a zero behind it. */
export function admit(
  state: WorkerState,
  listener: ListenerPlace,
  socket: Socket,
  peer: string,
  bytes: Uint8Array,
  length: number,
): void {
  const { protocol } = listener.table;
  const isSecure = protocol === 'HTTPS' || protocol === 'TLS';
  const client = isSecure
    ? new Arrival(state, listener, socket, peer)
    : new ClientConnection(state, listener, socket, null, peer, PRIOR_KNOWLEDGE);
  if (client instanceof ClientConnection && protocol === 'TCP') {
    state.counters.global[GLOBAL.bytesReceived]! += length;
    if (length > 0) client.hold(bytes, 0, length);
    acceptTcp(client);
    return;
  }
  client.start();
  if (length > 0 && !client.gone) client.guarded(() => client.received(bytes, length));
}
