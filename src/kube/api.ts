import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { ApiError } from './api-error.ts';
import type { Answer, Transport } from './transport.ts';

/** Who we are to the API server. */
export interface Identity {
  /** Headers of a request: the token, impersonation. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** The server did not take the token: it is read anew for the next request. */
  refused(): void;
}

export interface ApiOptions {
  readonly transport: Transport;
  readonly identity: Identity;
  readonly userAgent: string;
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Default: application/json. */
  readonly contentType?: string;
  /** Default: application/json. */
  readonly accept?: string;
  /** Milliseconds until the whole answer must be there; default 15 s. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

const TIMEOUT = 15_000;
/** An answer that says no is a small object; a proxy's error page need not be. */
const MAX_ERROR_TEXT = 500;

/** The API server, in JSON. Every error is an ApiError (or the signal's reason). */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  /** Sends a request and reads the whole answer. */
  async call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const { timeout = TIMEOUT } = options;
    const deadline = new Deadline(timeout, options.signal);
    const name = `${method} ${path}`;
    try {
      const { body, status } = await this.#send(method, path, options, deadline.signal);
      const content = await text(body);
      if (status >= 200 && status < 300) return JSON.parse(content) as T;
      throw refusal(name, status, content);
    } catch (error) {
      throw deadline.passed
        ? new ApiError(`${name}: no answer within ${timeout} ms`, 0, 'Timeout')
        : named(name, error);
    } finally {
      deadline.clear();
    }
  }

  /** Sends a GET and hands over the answer as it comes; `timeout` is until its head. */
  async stream(path: string, options: CallOptions & { readonly signal: AbortSignal }): Promise<Readable> {
    const { timeout = TIMEOUT } = options;
    const deadline = new Deadline(timeout, options.signal);
    const name = `GET ${path}`;
    try {
      const { body, status } = await this.#send('GET', path, options, deadline.signal);
      if (status === 200) return body;
      throw refusal(name, status, await text(body));
    } catch (error) {
      throw deadline.passed
        ? new ApiError(`${name}: no answer within ${timeout} ms`, 0, 'Timeout')
        : named(name, error);
    } finally {
      deadline.disarm();
    }
  }

  close(): void {
    this.#options.transport.close();
  }

  async #send(method: string, path: string, options: CallOptions, signal: AbortSignal): Promise<Answer> {
    const { transport, identity, userAgent } = this.#options;
    const { body, contentType = 'application/json', accept = 'application/json' } = options;
    const send = async (): Promise<Answer> =>
      await transport.exchange({
        method,
        path: path + queryText(options.query),
        headers: {
          ...(await identity.headers()),
          accept,
          'user-agent': userAgent,
          ...(body === undefined ? {} : { 'content-type': contentType }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal,
      });
    const answer = await send();
    if (answer.status !== 401) return answer;
    // A token may have been replaced since it was read.
    answer.body.resume();
    identity.refused();
    return await send();
  }
}

/** A signal that is given after a time or by the caller. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #abort: () => void;
  passed = false;

  constructor(milliseconds: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    this.#abort = () => this.#controller.abort(outer?.reason);
    if (outer?.aborted === true) this.#abort();
    outer?.addEventListener('abort', this.#abort);
    this.#timer = setTimeout(() => {
      this.passed = true;
      this.#controller.abort();
    }, milliseconds);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time does not count any more; the caller's signal still does. */
  disarm(): void {
    clearTimeout(this.#timer);
  }

  clear(): void {
    this.disarm();
    this.#outer?.removeEventListener('abort', this.#abort);
  }
}

function queryText(query: CallOptions['query']): string {
  const parts = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

function refusal(name: string, status: number, content: string): ApiError {
  const said = statusOf(content);
  const seconds = said?.details?.retryAfterSeconds;
  const message = said?.message ?? content.trim().slice(0, MAX_ERROR_TEXT);
  return new ApiError(
    `${name}: ${status} ${message}`,
    status,
    said?.reason ?? 'Unknown',
    seconds === undefined ? null : seconds * 1000,
  );
}

function statusOf(content: string): Status | null {
  try {
    const value = JSON.parse(content) as unknown;
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

function named(name: string, error: unknown): unknown {
  if (error instanceof ApiError) return error;
  if (error instanceof Error && error.name === 'AbortError') return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(`${name}: ${message}`, 0, 'NoAnswer');
}
