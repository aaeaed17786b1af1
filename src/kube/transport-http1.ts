import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';

import { type Answer, CONNECT_TIMEOUT, type Transport } from './transport.ts';

export interface Http1Options {
  /** `https://HOST:PORT`, or `http:`. */
  readonly server: URL;
  /** Asked for with every exchange: tokens and certificates are renewed while the program runs. */
  readonly tls?: () => Promise<ConnectionOptions>;
  /** Through an agent of its own: a proxy on the way, say. */
  readonly agent?: () => Promise<HttpAgent>;
}

/** HTTP/1.1: a connection for each exchange that is under way; idle ones are kept. */
export function http1Transport({ server, tls, agent }: Http1Options): Transport {
  const plain = server.protocol === 'http:';
  const own = plain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const send = plain ? httpRequest : httpsRequest;
  return {
    exchange: async ({ method, path, headers, body, signal }) => {
      const options = {
        ...(tls === undefined ? {} : await tls()),
        agent: agent === undefined ? own : await agent(),
        method,
        headers: body === null ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        signal,
      };
      return await new Promise<Answer>((resolve, reject) => {
        const request = send(new URL(path, server), options, (response) => {
          // Whoever reads it is told; where nobody does any more, it must not end the process.
          response.on('error', () => undefined);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
        });
        request.on('error', reject);
        request.on('socket', (socket) => {
          if (!socket.connecting) return;
          const late = setTimeout(() => {
            request.destroy(new Error(`no connection to ${server.host} within ${CONNECT_TIMEOUT} ms`));
          }, CONNECT_TIMEOUT);
          const connected = () => clearTimeout(late);
          socket.once(plain ? 'connect' : 'secureConnect', connected).once('close', connected);
        });
        request.end(body ?? undefined);
      });
    },
    close: () => own.destroy(),
  };
}
