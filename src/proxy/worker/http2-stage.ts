/** For the tests of HTTP/2: a worker in this process, servers that say what they want, and clients of node:http2. */
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type net from 'node:net';
import type { TestContext } from 'node:test';

import { AccessLog, type AccessRecord } from './access-log.ts';
import { type InProcess, type InProcessOptions, rawServer, startInProcess } from './in-process.ts';

export interface Http2Stage {
  readonly proxy: InProcess;
  readonly session: ClientHttp2Session;
  /** The access log so far. */
  readonly lines: AccessRecord[];
}

/** `options.servers`: ports. */
export async function http2Stage(t: TestContext, options: InProcessOptions): Promise<Http2Stage> {
  const lines: AccessRecord[] = [];
  const accessLog = new AccessLog(1, (text) => {
    for (const line of text.trim().split('\n')) lines.push(JSON.parse(line) as AccessRecord);
  });
  const proxy = await startInProcess({ accessLog, ...options });
  const session = connectTo(t, proxy.port);
  t.after(() => proxy.close());
  return { proxy, session, lines };
}

export function connectTo(t: TestContext, port: number, options: http2.ClientSessionOptions = {}): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`, options);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** A server that serves each connection by hand. */
export async function server(t: TestContext, serve: (socket: net.Socket) => void): Promise<number> {
  const made = await rawServer(serve);
  t.after(() => made.close());
  return made.port;
}

/** A server that answers each request (all of whose head has come) with these bytes; `end`: and closes. */
export function answering(t: TestContext, bytes: string, end = false): Promise<number> {
  return server(t, (socket) =>
    socket.on('data', (chunk: Buffer) => {
      if (!chunk.includes('\r\n\r\n')) return;
      if (end) socket.end(bytes, 'latin1');
      else socket.write(bytes, 'latin1');
    }),
  );
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly raw: readonly string[];
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  /** Of RST_STREAM; 0 = a clean end. */
  readonly code: number;
}

export function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  ended = true,
): ClientHttp2Stream {
  const stream = session.request(
    { ':path': '/', ':authority': 'a.example', ...headers },
    { endStream: ended && headers[':method'] !== 'POST' },
  );
  stream.on('error', () => undefined);
  return stream;
}

/** Waits for all of it. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders = {};
  let raw: readonly string[] = [];
  let body = '';
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (fields, _flags, list: string[]) => {
    headers = fields;
    raw = list;
  });
  stream.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
  stream.on('trailers', (fields) => (trailers = fields));
  if (!stream.destroyed) {
    await new Promise((resolve) => {
      stream.on('close', resolve);
    });
  }
  return { status: Number(headers[':status'] ?? 0), headers, raw, body, trailers, code: stream.rstCode };
}

export async function get(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return answerOf(request(session, headers));
}
