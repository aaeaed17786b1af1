/** Web servers with bad habits, asked for by the query: slow, chunked, breaking off, failing. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';

export interface OriginRequest {
  readonly address: string;
  readonly port: number;
  /** It speaks HTTP/2 by prior knowledge, and nothing else. */
  readonly isHttp2: boolean;
}

export interface SoakOrigin {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startSoakOrigin({ address, port, isHttp2 }: OriginRequest): Promise<SoakOrigin> {
  const { server, endAll } = isHttp2 ? http2Server() : http1Server();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve());
  });
  return {
    address,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        endAll();
      }),
  };
}

interface Listening {
  readonly server: Server;
  readonly endAll: () => void;
}

function http1Server(): Listening {
  const server = createServer((request, response) => {
    request.resume();
    answer(request.url, response, () => response.destroy());
  });
  server.on('upgrade', ({ headers }, socket) => {
    socket.on('error', () => {});
    const key = `${headers['sec-websocket-key'] ?? ''}${WEBSOCKET}`;
    const accept = createHash('sha1').update(key).digest('base64');
    const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    socket.pipe(socket);
  });
  server.keepAliveTimeout = 30_000;
  return { server, endAll: () => server.closeAllConnections() };
}

function http2Server(): Listening {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server((request, response) => {
    request.on('error', () => {});
    request.resume();
    answer(request.url, response, () => response.stream.close(INTERNAL_ERROR));
  });
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  return { server, endAll: () => sessions.forEach((session) => session.destroy()) };
}

/** RFC 6455, section 1.3. */
const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const INTERNAL_ERROR = 2;

/** What both kinds of answer have. */
interface Answer {
  writeHead(status: number, fields?: Record<string, number>): unknown;
  write(bytes: Uint8Array, done?: () => void): unknown;
  end(bytes?: Uint8Array | string): unknown;
  on(event: 'error', listener: () => void): unknown;
}

function answer(url: string | undefined, response: Answer, breakOff: () => void): void {
  const query = new URL(url ?? '/', 'http://origin').searchParams;
  const size = Number(query.get('size') ?? 100);
  const piece = Buffer.alloc(Math.min(size, 16_384), 'x');
  response.on('error', () => {});
  switch (query.get('how') ?? '') {
    case 'chunked':
      response.writeHead(200);
      for (let left = size; left > 0; left -= piece.length) response.write(piece.subarray(0, left));
      response.end();
      return;
    case 'break':
      // Promises more than it sends.
      response.writeHead(200, { 'content-length': 2 * size });
      response.write(piece, breakOff);
      return;
    case 'slow':
      setTimeout(() => response.end(piece), 500);
      return;
    case 'missing':
      response.writeHead(404);
      response.end('not here');
      return;
    default:
      response.writeHead(200, { 'content-length': size });
      for (let left = size; left > 0; left -= piece.length) response.write(piece.subarray(0, left));
      response.end();
  }
}
