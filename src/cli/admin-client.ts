/** The admin API over its Unix socket, as the command-line tools use it. */
import { request } from 'node:http';

import type {
  ApiObject,
  CountsDocument,
  ObjectsDocument,
  ObjectsWrite,
  ProfilesDocument,
  StatusDocument,
} from '../admin/contract.ts';
import { printable } from './output.ts';
import { ATTEMPTS, type TableServer } from './table-server.ts';

/** The server said no, or did not answer; `status` is 0 then. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** ms without a byte from the server. */
const SILENCE = 15_000;
/** Ten thousand objects are some 10 MB. */
const MOST_BYTES = 256 * 1024 * 1024;
export class AdminClient implements TableServer {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  async objects(): Promise<ObjectsDocument> {
    const document = (await this.#call('GET', '/v1/objects')) as Partial<ObjectsDocument> | null;
    if (!Array.isArray(document?.objects) || typeof document?.revision !== 'number') throw this.#foreign();
    return document as ObjectsDocument;
  }

  async counts(): Promise<CountsDocument> {
    const document = (await this.#call('GET', '/v1/counts')) as Partial<CountsDocument> | null;
    if (!Array.isArray(document?.rows) || !Array.isArray(document?.endpoints)) throw this.#foreign();
    return document as CountsDocument;
  }

  async profiles(): Promise<ProfilesDocument> {
    const document = (await this.#call('GET', '/v1/profiles')) as Partial<ProfilesDocument> | null;
    if (!Array.isArray(document?.matrices)) throw this.#foreign();
    return document as ProfilesDocument;
  }

  async status(): Promise<StatusDocument> {
    const document = (await this.#call('GET', '/v1/status')) as Partial<StatusDocument> | null;
    if (!Array.isArray(document?.objects)) throw this.#foreign();
    return document as StatusDocument;
  }

  async change<T extends Pick<ObjectsWrite, 'apply' | 'delete'>>(
    compute: (objects: readonly ApiObject[]) => T,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const { revision, objects } = await this.objects();
      const wanted = compute(objects);
      if (wanted.apply.length === 0 && wanted.delete.length === 0) return wanted;
      try {
        await this.#call('POST', '/v1/objects', { revision, apply: wanted.apply, delete: wanted.delete });
        return wanted;
      } catch (error) {
        if (!(error instanceof AdminError) || error.status !== 409 || attempt === ATTEMPTS) throw error;
      }
    }
  }

  #foreign(): AdminError {
    return new AdminError(0, `what answers at ${this.#socket} is not a tcpvs server`);
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { status, text } = await this.#exchange(method, path, body === undefined ? null : JSON.stringify(body));
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch {
      throw this.#foreign();
    }
    if (status >= 200 && status < 300) return document;
    const message = (document as { error?: unknown } | null)?.error;
    throw new AdminError(
      status,
      typeof message === 'string' ? printable(message) : `${method} ${path}: status ${status}`,
    );
  }

  #exchange(method: string, path: string, body: string | null): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const gone = (error: Error) => reject(new AdminError(0, `${whyNot(error)} at ${this.#socket}`));
      const headers =
        body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const call = request(
        { socketPath: this.#socket, method, path, headers, agent: false, timeout: SILENCE },
        (answer) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          answer.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > MOST_BYTES) answer.destroy(new Error(`an answer of more than ${MOST_BYTES} bytes`));
            else chunks.push(chunk);
          });
          answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
          answer.once('error', gone);
        },
      );
      call.once('timeout', () => call.destroy(new Error(`no answer within ${SILENCE / 1000} s`)));
      call.once('error', gone);
      call.end(body ?? undefined);
    });
  }
}

function whyNot(error: Error & { code?: string }): string {
  if (error.code === 'ENOENT') return 'no tcpvs server: there is no socket';
  if (error.code === 'ECONNREFUSED') return 'no tcpvs server answers';
  if (error.code === 'EACCES') return 'no permission to speak to the tcpvs server';
  return `the tcpvs server does not answer (${error.message})`;
}
