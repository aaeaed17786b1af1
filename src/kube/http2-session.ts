import { type ClientHttp2Session, connect } from 'node:http2';
import type { TLSSocket } from 'node:tls';

import type { Answer, Exchange } from './transport.ts';

/** A peer that is silent for this long is asked whether it is there; a half-open connection ends after both. */
const PING_INTERVAL = 15_000;
const PING_TIMEOUT = 10_000;
/** Lists come in megabytes; the default window of 64 KB would make them wait for each other's acknowledgements. */
const WINDOW = 1 << 20;
/** What the server allows where it has not said it yet (kube-apiserver: 100). */
const STREAMS = 100;

/** One HTTP/2 connection and what runs over it. */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #timer: NodeJS.Timeout;
  #streams = 0;
  #leaving = false;

  constructor(origin: string, socket: TLSSocket) {
    this.#session = connect(origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW },
      maxSessionMemory: 64,
    });
    this.#session.on('connect', () => this.#session.setLocalWindowSize(8 * WINDOW));
    this.#session.on('goaway', () => (this.#leaving = true));
    // Streams are told themselves; without a listener an error would end the process.
    this.#session.on('error', () => (this.#leaving = true));
    this.#session.on('close', () => clearInterval(this.#timer));
    this.#timer = setInterval(() => this.#ping(), PING_INTERVAL).unref();
  }

  /** Takes one more exchange. */
  get free(): boolean {
    const most = this.#session.remoteSettings?.maxConcurrentStreams ?? STREAMS;
    return !this.#leaving && !this.#session.closed && !this.#session.destroyed && this.#streams < most;
  }

  get idle(): boolean {
    return this.#streams === 0;
  }

  get gone(): boolean {
    return this.#session.destroyed || ((this.#leaving || this.#session.closed) && this.idle);
  }

  exchange({ method, path, headers, body, signal }: Exchange): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const stream = this.#session.request(
        { ':method': method, ':path': path, ...headers },
        { endStream: body === null, signal },
      );
      this.#streams++;
      let answered = false;
      stream.on('response', (head) => {
        answered = true;
        resolve({ status: head[':status'] ?? 0, headers: head, body: stream });
      });
      stream.on('error', reject);
      stream.on('close', () => {
        this.#streams--;
        if (!answered) reject(new Error('the connection was closed before the answer'));
        if (this.#leaving && this.idle) this.#session.close();
      });
      // A stream that is reset ends for its reader as if it were complete.
      stream.on('aborted', () => stream.destroy(new Error('the answer was cut off')));
      if (body !== null) stream.end(body);
    });
  }

  close(): void {
    this.#session.destroy();
  }

  #ping(): void {
    if (this.#session.closed || this.#session.destroyed) return;
    const late = setTimeout(
      () => this.#session.destroy(new Error(`no sign of life for ${PING_TIMEOUT} ms`)),
      PING_TIMEOUT,
    ).unref();
    const sent = this.#session.ping(() => clearTimeout(late));
    if (!sent) clearTimeout(late);
  }
}
