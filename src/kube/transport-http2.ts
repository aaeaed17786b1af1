import { isIP } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { Http2Session } from './http2-session.ts';
import { type Answer, CONNECT_TIMEOUT, type Exchange, type Transport } from './transport.ts';

export interface Http2Options {
  readonly server: URL;
  readonly tls: () => Promise<ConnectionOptions>;
  /** What takes over where the server does not speak HTTP/2. */
  readonly fallback: Transport;
}

/**
 * HTTP/2: all watches and requests share a connection, or as few as the server's limit of streams allows. A watch for
 * each of a thousand Secrets costs ten connections, not a thousand.
 */
export class Http2Transport implements Transport {
  readonly #options: Http2Options;
  #sessions: Http2Session[] = [];
  /** The connection that is being made; null: none. */
  #connecting: Promise<Http2Session | null> | null = null;
  #fallenBack = false;
  #closed = false;

  constructor(options: Http2Options) {
    this.#options = options;
  }

  async exchange(exchange: Exchange): Promise<Answer> {
    for (;;) {
      exchange.signal.throwIfAborted();
      if (this.#fallenBack) return await this.#options.fallback.exchange(exchange);
      this.#sessions = this.#sessions.filter((session) => !session.gone);
      const session = this.#sessions.find(({ free }) => free);
      if (session !== undefined) return await session.exchange(exchange);
      // Those that wait share the new connection, and may find it full: then there is one more.
      await (this.#connecting ??= this.#connect().finally(() => (this.#connecting = null)));
    }
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#sessions) session.close();
    this.#sessions = [];
    this.#options.fallback.close();
  }

  async #connect(): Promise<Http2Session | null> {
    const { server, tls } = this.#options;
    const socket = await secureSocket(server, await tls());
    if (this.#closed) {
      socket.destroy();
      throw new Error('closed');
    }
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      this.#fallenBack = true;
      return null;
    }
    const session = new Http2Session(server.origin, socket);
    this.#sessions.push(session);
    return session;
  }
}

function secureSocket(server: URL, options: ConnectionOptions): Promise<TLSSocket> {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(server.port === '' ? 443 : server.port),
      ALPNProtocols: ['h2', 'http/1.1'],
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...options,
    });
    const late = setTimeout(() => {
      socket.destroy(new Error(`no connection to ${server.host} within ${CONNECT_TIMEOUT} ms`));
    }, CONNECT_TIMEOUT);
    const fail = (error: Error) => reject(error);
    socket.once('error', fail);
    socket.once('close', () => {
      clearTimeout(late);
      reject(new Error(`the connection to ${server.host} was closed`));
    });
    socket.once('secureConnect', () => {
      clearTimeout(late);
      socket.off('error', fail);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
