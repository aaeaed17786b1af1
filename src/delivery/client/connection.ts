import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import { MAX_ANSWER } from '../wire.ts';
import type { FreshFile } from './fresh-file.ts';

export interface ConnectionOptions {
  /** Where it leads. */
  readonly address: string;
  readonly port: number;
  /** Host name that the certificate must be for. */
  readonly host: string;
  readonly token: FreshFile;
  readonly bundle: FreshFile;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Two at once: a sync that is held, and what is said meanwhile. */
const AT_ONCE = 2;

/** HTTPS to one controller replica, over connections that are kept. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #agent: Agent;
  readonly #abort = new AbortController();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: AT_ONCE,
      minVersion: 'TLSv1.3',
      // What was trusted yesterday is verified anew with every connection: no sessions are resumed.
      maxCachedSessions: 0,
      // Not the default, which would be content with the address that was connected to.
      checkServerIdentity: (_, certificate) => checkServerIdentity(options.host, certificate),
    });
  }

  /**
   * `silence`: milliseconds without a byte, after which it is given up. Errors: token or bundle cannot be read, no
   * connection, a certificate that is not trusted or for another name, an answer that does not come or is too long.
   */
  async post(path: string, body: string, silence: number): Promise<Answer> {
    const [token, ca] = await Promise.all([this.#options.token.text(), this.#options.bundle.text()]);
    const call = { path, body, silence, token, ca };
    try {
      const answer = await this.#twice(call);
      if (answer.status === 401) this.#suspectFiles();
      return answer;
    } catch (error) {
      this.#suspectFiles();
      throw error;
    }
  }

  /** It may be the token that is refused, or the bundle that does not have the authority any more. */
  #suspectFiles(): void {
    this.#options.token.suspect();
    this.#options.bundle.suspect();
  }

  async #twice(call: Call): Promise<Answer> {
    try {
      return await this.#once(call);
    } catch (error) {
      // The other side closed a kept connection just when it was used again: nothing is wrong with it.
      if (!(error instanceof StaleConnection)) throw error;
      return await this.#once(call);
    }
  }

  close(): void {
    this.#abort.abort(new Error('closed'));
    this.#agent.destroy();
  }

  #once({ path, body, silence, token, ca }: Call): Promise<Answer> {
    const { address, port, host } = this.#options;
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          agent: this.#agent,
          host: address,
          port,
          path,
          method: 'POST',
          ca,
          // An address is no server name.
          servername: isIP(host) === 0 ? host : '',
          headers: {
            Host: isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`,
            Authorization: `Bearer ${token}`,
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          },
          timeout: silence,
          signal: this.#abort.signal,
        },
        (response) => void read(response).then(resolve, reject),
      );
      asked.on('timeout', () => asked.destroy(new Error(`no answer within ${silence / 1000} s`)));
      asked.on('error', (error: NodeJS.ErrnoException) => {
        const stale = asked.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(stale ? new StaleConnection(error.message) : error);
      });
      asked.end(body);
    });
  }
}

interface Call {
  readonly path: string;
  readonly body: string;
  readonly silence: number;
  readonly token: string;
  readonly ca: string;
}

class StaleConnection extends Error {}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) throw new Error(`the answer has more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
}
