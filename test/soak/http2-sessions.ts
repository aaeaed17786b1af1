/** A few long-lived connections of HTTP/2 that streams take in turn; each is replaced after some thousand of them. */
import { connect, type ClientHttp2Session } from 'node:http2';

import type { TlsPort } from './setting.ts';

const SESSIONS = 4;
/** Streams of a session, more for each than for the one before it: not all of them go at once. */
const LEAST_STREAMS = 2_000;
const MORE_STREAMS = 500;

/** By prior knowledge without `tls`. Resolves when the first settings have come; rejects when there is no session. */
export function connectHttp2(port: number, tls?: TlsPort): Promise<ClientHttp2Session> {
  const session =
    tls === undefined
      ? connect(`http://127.0.0.1:${port}`)
      : connect(`https://127.0.0.1:${port}`, { ca: tls.ca, servername: tls.name });
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    session.once('remoteSettings', () => {
      // Its streams tell what went wrong from here on.
      session.on('error', () => {});
      resolve(session);
    });
  });
}

export class Http2Sessions {
  readonly #open: () => Promise<ClientHttp2Session>;
  readonly #places: (Place | undefined)[] = Array.from({ length: SESSIONS });
  #turn = 0;

  constructor(port: number, tls?: TlsPort) {
    this.#open = () => connectHttp2(port, tls);
  }

  /** The one for the next stream. */
  take(): Promise<ClientHttp2Session> {
    const at = this.#turn++ % SESSIONS;
    const place = this.#places[at] ?? this.#begin(at);
    if (--place.left === 0) {
      this.#places[at] = undefined;
      // After its last stream, which is opened by whoever waits for it now.
      void place.session.then((session) => setImmediate(() => session.close())).catch(() => undefined);
    }
    return place.session;
  }

  async close(): Promise<void> {
    const places = this.#places.splice(0);
    await Promise.all(
      places.map(async (place) => {
        const session = await place?.session.catch(() => undefined);
        if (session !== undefined && !session.destroyed) await new Promise<void>((done) => session.close(done));
      }),
    );
  }

  #begin(at: number): Place {
    const place = { session: this.#open(), left: LEAST_STREAMS + MORE_STREAMS * at };
    this.#places[at] = place;
    const leave = () => {
      if (this.#places[at] === place) this.#places[at] = undefined;
    };
    void place.session.then((session) => {
      session.once('goaway', leave);
      return session.once('close', leave);
    }, leave);
    return place;
  }
}

interface Place {
  readonly session: Promise<ClientHttp2Session>;
  /** Streams. */
  left: number;
}
