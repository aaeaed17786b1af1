/** One batch to a collector, and what came of it. */
import http from 'node:http';
import https from 'node:https';

export type Outcome =
  /** `rejected`: so many of its spans were not taken. */
  | { readonly kind: 'taken'; readonly rejected: number; readonly why: string }
  /** The same again may be taken later; `after`: not before so many milliseconds. */
  | { readonly kind: 'later'; readonly why: string; readonly after: number }
  | { readonly kind: 'refused'; readonly why: string };

const TIMEOUT = 10_000;
const LONGEST_ANSWER = 65_536;
/** OTLP, "Failures": all other statuses will be the same the next time. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export class Sender {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: http.Agent;

  /** `endpoint`: the base, to which `v1/traces` is added. */
  constructor(endpoint: URL, headers: Readonly<Record<string, string>>) {
    this.#url = new URL(`${endpoint.href.replace(/\/+$/, '')}/v1/traces`);
    this.#headers = headers;
    const options = { keepAlive: true, maxSockets: 1, timeout: TIMEOUT };
    this.#agent = this.#url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
  }

  /** Never rejects. */
  send(body: string): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const later = (why: string) => resolve({ kind: 'later', why, after: 0 });
    const { request } = this.#url.protocol === 'https:' ? https : http;
    const headers = { ...this.#headers, 'Content-Type': 'application/json' };
    const outgoing = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        if (text.length < LONGEST_ANSWER) text += piece;
      });
      response.on('error', (error) => later(error.message));
      response.on('end', () => resolve(judge(response, text)));
    });
    // of the whole: an answer that comes byte by byte shall not hold up the next batch
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`)), TIMEOUT);
    outgoing.on('error', (error) => later(error.message));
    outgoing.on('close', () => {
      clearTimeout(timer);
      later('the connection was closed before the answer');
    });
    outgoing.end(body);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function judge({ statusCode = 0, headers }: http.IncomingMessage, text: string): Outcome {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'taken', ...partialSuccess(text) };
  const why = `answered ${statusCode}${text === '' ? '' : `: ${JSON.stringify(text.slice(0, 200))}`}`;
  if (!RETRYABLE.has(statusCode)) return { kind: 'refused', why };
  const seconds = Number(headers['retry-after']);
  return { kind: 'later', why, after: seconds > 0 ? 1000 * seconds : 0 };
}

function partialSuccess(text: string): { rejected: number; why: string } {
  try {
    const { partialSuccess: part } = JSON.parse(text) as {
      partialSuccess?: { rejectedSpans?: unknown; errorMessage?: unknown };
    };
    const rejected = Number(part?.rejectedSpans ?? 0);
    return {
      rejected: rejected > 0 ? rejected : 0,
      why: typeof part?.errorMessage === 'string' ? part.errorMessage.slice(0, 200) : '',
    };
  } catch {
    // it was taken, whatever is said besides
    return { rejected: 0, why: '' };
  }
}
