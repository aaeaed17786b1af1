/** HTTP/2 clients for the fault tests (node:http2): each holds a connection, keeps some streams on it, and obeys GOAWAY. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';

import { type LoadOptions, type Outcome, paced, type Tls } from './load.ts';

export interface Http2Outcome extends Outcome {
  /** Connections that were opened. */
  readonly sessions: number;
  /** Requests above the last id of a GOAWAY, sent again on another connection (RFC 9113 §6.8). */
  readonly retried: number;
}

export interface Http2LoadOptions extends Omit<LoadOptions, 'make'> {
  /** Requests at once on a connection. */
  readonly streams: number;
  /** The path of a request by its number. */
  readonly path: (index: number) => string;
}

/** A request that meets one GOAWAY after the other is a failure. */
const MOST_RETRIES = 5;

export async function loadHttp2(options: Http2LoadOptions): Promise<Http2Outcome> {
  const clients = Array.from({ length: options.connections }, () => new Http2Client(options));
  const outcome = await paced(options, options.connections * options.streams, async (number, index) => {
    const { status } = await clients[number % clients.length]!.ask(options.path(index));
    return status;
  });
  for (const client of clients) client.close();
  const sum = (of: (client: Http2Client) => number) => clients.reduce((all, client) => all + of(client), 0);
  return { ...outcome, sessions: sum(({ sessions }) => sessions), retried: sum(({ retried }) => retried) };
}

/** One connection at a time: after GOAWAY the next request opens another, and what is open on the old one goes on. */
export class Http2Client {
  sessions = 0;
  retried = 0;
  private current: Opened | null = null;
  private readonly origin: string;
  private readonly authority: string;
  private readonly tls: Tls | undefined;

  constructor({ address, port, tls }: Pick<Http2LoadOptions, 'address' | 'port' | 'tls'>) {
    this.origin = `${tls === undefined ? 'http' : 'https'}://${address.includes(':') ? `[${address}]` : address}:${port}`;
    this.authority = tls?.servername ?? 'a.example';
    this.tls = tls;
  }

  async ask(path: string): Promise<{ status: number; body: string }> {
    for (let left = MOST_RETRIES; ; left--) {
      const opened = this.open();
      const stream = opened.session.request({ ':path': path, ':authority': this.authority });
      try {
        return await answerOf(stream);
      } catch (error) {
        if (left === 0 || !opened.hasRefused(stream)) throw error;
        this.retried++;
      }
    }
  }

  close(): void {
    this.current?.session.close();
  }

  private open(): Opened {
    if (this.current?.takesMore !== true) {
      this.sessions++;
      this.current = new Opened(connect(this.origin, { ...this.tls }));
    }
    return this.current;
  }
}

class Opened {
  readonly session: ClientHttp2Session;
  /** Of its GOAWAY. */
  private last = Infinity;

  constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on('goaway', (code, last) => {
      if (code === constants.NGHTTP2_NO_ERROR) this.last = last;
    });
    // each of its streams tells
    session.on('error', () => undefined);
  }

  get takesMore(): boolean {
    return !this.session.closed && !this.session.destroyed;
  }

  /** The server has said that it has not looked at it: nothing else may be sent again. */
  hasRefused(stream: ClientHttp2Stream): boolean {
    // one that was asked for in the turn in which GOAWAY came is not sent by the client itself (RFC 9113 §8.7)
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return true;
    if (this.last === Infinity) return false;
    return stream.id === undefined || stream.id > this.last;
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let body = '';
    let whole = false;
    let why = 'closed before the answer was whole';
    stream.setEncoding('latin1');
    stream.on('response', (fields) => (status = fields[':status'] ?? 0));
    stream.on('data', (chunk: string) => (body += chunk));
    stream.on('end', () => (whole = true));
    stream.on('error', (error) => (why = error.message));
    // an end alone is no whole answer: node:http2 ends what was reset, too
    stream.on('close', () => {
      if (whole && status > 0 && stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve({ status, body });
      else reject(new Error(why));
    });
  });
}
