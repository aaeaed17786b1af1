/** Web servers with bad habits, asked for by the query: slow, chunked, breaking off, failing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SoakOrigin {
  readonly address: string;
  readonly port: number;
  readonly served: () => number;
  close(): Promise<void>;
}

export async function startSoakOrigin(address: string, port: number): Promise<SoakOrigin> {
  let served = 0;
  const server = createServer((request, response) => {
    served++;
    request.resume();
    answer(request, response);
  });
  server.on('upgrade', (_, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve());
  });
  return {
    address,
    port: (server.address() as AddressInfo).port,
    served: () => served,
    close: () => close(server),
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const query = new URL(request.url ?? '/', 'http://origin').searchParams;
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
      response.writeHead(200, { 'Content-Length': 2 * size });
      response.write(piece, () => response.destroy());
      return;
    case 'slow':
      setTimeout(() => response.end(piece), 500);
      return;
    case 'missing':
      response.writeHead(404).end('not here');
      return;
    default:
      response.writeHead(200, { 'Content-Length': size });
      for (let left = size; left > 0; left -= piece.length) response.write(piece.subarray(0, left));
      response.end();
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
