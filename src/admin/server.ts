import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { Log } from '../telemetry/log.ts';
import type { AdminBackend } from './backend.ts';
import { Refusal } from './refusal.ts';
import { type Answer, OWNER_ROUTES, PUBLIC_ROUTES, type Routes } from './routes.ts';

export interface AdminOptions {
  readonly backend: AdminBackend;
  readonly log: Log;
  /** A bound Unix socket (mode 0600), for everything. */
  readonly socket?: object;
  /** A bound TCP socket, for health, readiness and metrics. */
  readonly tcp?: object;
}

export interface Admin {
  /** Port of `tcp`, null without it. */
  readonly port: number | null;
  close(): Promise<void>;
}

/** Ten thousand objects are some ten megabytes. */
const MAX_BODY = 64 << 20;
const MAX_CONNECTIONS = 256;
const REQUEST_TIMEOUT = 30_000;
const IDLE_TIMEOUT = 10_000;

/** Serves the admin API on sockets that are bound already. Errors: when one cannot be listened on. */
export async function startAdmin({ backend, log, socket, tcp }: AdminOptions): Promise<Admin> {
  const servers: RouteServer[] = [];
  const close = async () => void (await Promise.all(servers.map((server) => server.close())));
  try {
    if (socket !== undefined) servers.push(await serveRoutes({ routes: OWNER_ROUTES, backend, log, handle: socket }));
    if (tcp === undefined) return { port: null, close };
    const server = await serveRoutes({ routes: PUBLIC_ROUTES, backend, log, handle: tcp });
    servers.push(server);
    return { port: server.port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface RoutesOptions<Backend> {
  readonly routes: Routes<Backend>;
  readonly backend: Backend;
  readonly log: Log;
  /** A bound socket, or where to bind one. */
  readonly handle: object;
}

export interface RouteServer {
  /** null: it is no TCP socket. */
  readonly port: number | null;
  close(): Promise<void>;
}

/** Errors: when it cannot be listened on. */
export async function serveRoutes<Backend>(options: RoutesOptions<Backend>): Promise<RouteServer> {
  const server = await listening(options);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : null,
    close: async () => {
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

function listening<Backend>(options: RoutesOptions<Backend>): Promise<Server> {
  return new Promise<Server>((resolve, reject) => {
    const server = createServer(
      { requestTimeout: REQUEST_TIMEOUT, headersTimeout: IDLE_TIMEOUT, keepAliveTimeout: IDLE_TIMEOUT },
      (request, response) => void serve(options, request, response),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.on('clientError', (_, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      else socket.destroy();
    });
    server.once('error', reject);
    server.listen(options.handle, () => {
      server.off('error', reject);
      server.on('error', (error) => options.log.error(`admin API: ${error.message}`));
      resolve(server);
    });
  });
}

async function serve<Backend>(
  { routes, backend, log }: RoutesOptions<Backend>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => response.destroy());
  let answer: Answer;
  try {
    answer = await route(routes, backend, request);
  } catch (error) {
    if (error instanceof Refusal) answer = refusal(error.status, error.message);
    else {
      log.error({ err: error }, 'admin API: a request failed');
      answer = refusal(500, 'internal error, see the log');
    }
  }
  const allow = answer.status === 405 ? { Allow: allowed(routes, request) } : {};
  // What was not read of a request's body cannot be told from a next request.
  const close = request.complete ? {} : { Connection: 'close' };
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...allow,
    ...close,
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function route<Backend>(routes: Routes<Backend>, backend: Backend, request: IncomingMessage): Promise<Answer> {
  const path = pathOf(request);
  const methods = routes.get(path);
  if (methods === undefined) throw new Refusal(404, `no such path; there is ${[...routes.keys()].join(', ')}`);
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) throw new Refusal(405, `this path takes ${Object.keys(methods).join(', ')}`);
  return await handler(backend, () => readJson(request));
}

function allowed(routes: Routes<never>, request: IncomingMessage): string {
  return Object.keys(routes.get(pathOf(request)) ?? {}).join(', ');
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Read to its end, though not kept: a client that still sends would not see the answer.
    if (bytes <= MAX_BODY) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (bytes > MAX_BODY) throw new Refusal(413, `the body has more than ${MAX_BODY} bytes`);
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${(error as Error).message}`);
  }
}

function refusal(status: number, message: string): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify({ error: message })}\n` };
}
