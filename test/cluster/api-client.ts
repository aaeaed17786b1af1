/** A client of the Kubernetes API for tests: nothing of the product's own, so that it can be a witness. */
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  // Tests know what they ask for: `get<Pod>()` and its like narrow it.
  readonly spec?: any;
  readonly status?: any;
  readonly [field: string]: any;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly [field: string]: unknown;
}

/** An answer other than 2xx. `reason` is the API's own word: NotFound, Conflict, Invalid, Forbidden, … */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

export interface ApiAccess {
  readonly url: string;
  /** PEM text. */
  readonly ca: string;
  readonly token: string;
}

/** A name in the certificate that the API server makes for itself. */
export const SERVER_NAME = 'kubernetes.default.svc';

export class ApiClient {
  readonly #url: URL;
  readonly #token: string;
  readonly #agent: Agent;

  constructor({ url, ca, token }: ApiAccess) {
    this.#url = new URL(url);
    this.#token = token;
    // A name that the certificate has, whatever way leads there.
    this.#agent = new Agent({ keepAlive: true, ca, servername: SERVER_NAME });
  }

  get<T = KubeObject>(path: string): Promise<T> {
    return this.request('GET', path);
  }

  /** Null where there is no such object. */
  async find<T = KubeObject>(path: string): Promise<T | null> {
    try {
      return await this.request<T>('GET', path);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  async list<T = KubeObject>(path: string): Promise<T[]> {
    return (await this.request<{ items: T[] }>('GET', path)).items;
  }

  /** `path` of the collection. */
  create<T = KubeObject>(path: string, object: unknown): Promise<T> {
    return this.request('POST', path, object);
  }

  replace<T = KubeObject>(path: string, object: unknown): Promise<T> {
    return this.request('PUT', path, object);
  }

  /** A JSON merge patch. */
  patch<T = KubeObject>(path: string, patch: unknown): Promise<T> {
    return this.request('PATCH', path, patch, 'application/merge-patch+json');
  }

  /** Server-side apply; conflicts are overruled. */
  apply<T = KubeObject>(path: string, object: unknown, fieldManager = 'test'): Promise<T> {
    const query = `${path.includes('?') ? '&' : '?'}fieldManager=${fieldManager}&force=true`;
    return this.request('PATCH', path + query, object, 'application/apply-patch+yaml');
  }

  delete<T = KubeObject>(path: string, options: unknown = {}): Promise<T> {
    return this.request('DELETE', path, options);
  }

  /** Rejects with ApiError on every status but 2xx. */
  async request<T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const response = await this.#send(method, path, body, contentType);
    const text = await textOf(response);
    const status = response.statusCode ?? 0;
    const answer = text.startsWith('{') ? (JSON.parse(text) as T & { reason?: string; message?: string }) : text;
    if (status >= 200 && status < 300) return answer as T;
    const { reason = '', message = text } = typeof answer === 'string' ? {} : answer;
    throw new ApiError(status, reason, `${method} ${path}: ${status} ${message}`);
  }

  /** Events of a watch, until it ends or `signal` aborts it. `path` has its query, `watch=true` too. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await this.#send('GET', path, undefined, '', signal);
    if (response.statusCode !== 200) {
      throw new ApiError(response.statusCode ?? 0, '', `GET ${path}: ${response.statusCode} ${await textOf(response)}`);
    }
    let rest = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as WatchEvent;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, body: unknown, contentType: string, signal?: AbortSignal) {
    return new Promise<IncomingMessage>((resolve, reject) => {
      const headers: Record<string, string> = { Authorization: `Bearer ${this.#token}`, Accept: 'application/json' };
      const text = body === undefined ? undefined : JSON.stringify(body);
      if (text !== undefined) {
        headers['Content-Type'] = contentType;
        // Node leaves it out where a method has no body as a rule, as DELETE: the body would be the next request.
        headers['Content-Length'] = String(Buffer.byteLength(text));
      }
      const options = { method, headers, agent: this.#agent, ...(signal === undefined ? {} : { signal }) };
      const outgoing = request(new URL(path, this.#url), options, resolve);
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  return text;
}
