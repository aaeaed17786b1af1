import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { RateLimit } from '../../telemetry/rate-limit.ts';
import type { DeliveryLog } from '../contract.ts';

/** In all, and of one address: no pod can take the places of all proxies. */
const MOST = 16_384;
const PER_ADDRESS = 1024;

export interface Connections {
  /** Ends all of them, those in their handshake too. */
  destroy(): void;
}

/** Limits connections, and tells of those that come to nothing, a few times a minute at most. */
export function limitConnections(server: Server, log: DeliveryLog): Connections {
  const rate = new RateLimit({ burst: 5, interval: 10_000 });
  const tell = (kind: string, fields: object, message: string): void => {
    const suppressed = rate.take(kind);
    if (suppressed !== null) log.warn({ ...fields, suppressed }, message);
  };
  const sockets = new Set<Socket>();
  const addresses = new Map<string, number>();
  server.maxConnections = MOST;
  server.on('drop', (data) => tell('drop', { address: data?.remoteAddress }, 'too many connections: one was closed'));
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const others = addresses.get(address) ?? 0;
    if (others >= PER_ADDRESS) {
      tell('address', { address }, `more than ${PER_ADDRESS} connections of one address: one was closed`);
      socket.destroy();
      return;
    }
    sockets.add(socket);
    addresses.set(address, others + 1);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (addresses.get(address) ?? 1) - 1;
      if (left === 0) addresses.delete(address);
      else addresses.set(address, left);
    });
  });
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    tell('tls', { address: socket.remoteAddress, why: error.message }, 'a TLS handshake failed');
    socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // No answer to what is not HTTP: nobody who speaks it sends that.
    if (error.code !== 'ECONNRESET') tell('http', { why: error.message }, 'closed: not HTTP, or too slow');
    socket.destroy();
  });
  return {
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
