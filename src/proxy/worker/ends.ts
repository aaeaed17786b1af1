/** Between whom a client's connection is, for servers that want to be told (PROXY protocol). */
import type { Socket } from 'node:net';

import type { Ends } from '../../proxy-protocol/write-header.ts';
import { plainAddress } from './peers.ts';

/** What proxies in front have said. Beside the sockets, because only few servers ever ask for it. */
const announced = new WeakMap<Socket, Ends>();

/** The connection is one of a proxy in front, for somebody else. */
export function announce(socket: Socket, ends: Ends): void {
  announced.set(socket, ends);
}

/** `socket`: of TCP. Null: it is closed already, and nothing is known of it any more. */
export function endsOf(socket: Socket): Ends | null {
  const known = announced.get(socket);
  if (known !== undefined) return known;
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  if (localAddress === undefined || localPort === undefined) return null;
  return {
    source: plainAddress(remoteAddress),
    sourcePort: remotePort,
    destination: plainAddress(localAddress),
    destinationPort: localPort,
  };
}
