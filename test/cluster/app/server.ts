/**
 * The image `app`: a web server that says which pod it is. Knobs, all in the environment:
 * PORT (8080), NAME (what it serves, in X-App), START_DELAY and ANSWER_DELAY (ms), DRAIN (ms that it goes on after SIGTERM).
 *
 * `/healthz` says whether it is ready; `?delay=MS` answers late, `?status=N` with that status, `?bytes=N` with so many.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const { PORT = '8080', NAME = '', START_DELAY = '0', ANSWER_DELAY = '0', DRAIN = '0' } = process.env;
const { NODE_NAME = '' } = process.env;
const pod = hostname();

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => void answer(request, response));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://app');
  const ask = (name: string, otherwise: string) => Number(url.searchParams.get(name) ?? otherwise);
  response.on('error', () => {});
  request.on('error', () => {});
  if (url.pathname === '/healthz') {
    response.end('ok\n');
    return;
  }
  request.resume();
  const delay = ask('delay', ANSWER_DELAY);
  if (delay > 0) await sleep(delay);
  const bytes = ask('bytes', '0');
  const body = bytes > 0 ? 'x'.repeat(bytes) : `${pod} serves ${url.pathname}\n`;
  response.writeHead(ask('status', '200'), {
    'Content-Type': 'text/plain',
    'Content-Length': Buffer.byteLength(body),
    'X-Served-By': pod,
    'X-Node': NODE_NAME,
    'X-App': NAME,
  });
  response.end(body);
}

/** A WebSocket's handshake and no more: then whatever comes is sent back. */
server.on('upgrade', (_request, socket) => {
  socket.on('error', () => socket.destroy());
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
});

process.once('SIGTERM', () => {
  setTimeout(() => {
    server.close(() => process.exit());
    server.closeIdleConnections();
  }, Number(DRAIN));
});

await sleep(Number(START_DELAY));
server.listen(Number(PORT), '::', () => process.stdout.write(`${pod} listens on ${PORT}\n`));
