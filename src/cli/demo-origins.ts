/**
 * The demo's web servers: each answers with its name, says it in X-Served-By, and counts what it served per app (the
 * first segment of the path). Their counts are the witness against which the load balancer's own counts are checked.
 * For the examples: a path that ends with /echo is answered with the request as it arrived, `?status=503` with a 503,
 * `?delay=500` after so many milliseconds.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { portInUse } from './demo-ports.ts';

export interface Origin {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Requests per app since start, or since `reset`. */
  readonly counts: Map<string, number>;
  reset(): void;
  close(): Promise<void>;
}

export interface OriginAddress {
  readonly name: string;
  readonly address: string;
  /** 0 = any free one. */
  readonly port: number;
}

/**
 * Starts all servers, or none.
 * Errors: one line for people that names the address, who has it, and (on macOS) how to get it.
 */
export async function startOrigins(addresses: readonly OriginAddress[]): Promise<Origin[]> {
  const started = await Promise.allSettled(addresses.map(startOrigin));
  const origins = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed === undefined) return origins;
  await Promise.all(origins.map((origin) => origin.close()));
  throw failed.reason;
}

export async function startOrigin({ name, address, port }: OriginAddress): Promise<Origin> {
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const app = appOf(request.url ?? '/');
    counts.set(app, (counts.get(app) ?? 0) + 1);
    request.resume();
    const body = answerBody(name, request);
    response.writeHead(askedStatus(request.url ?? ''), {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'X-Served-By': name,
    });
    const delay = askedDelay(request.url ?? '');
    if (delay === 0) response.end(body);
    else setTimeout(() => response.end(body), delay);
  });
  // Longer than the load balancer keeps its idle connections, so that the server is never the one who hangs up first.
  server.keepAliveTimeout = 60_000;
  await listen(server, address, port);
  return {
    name,
    address,
    port: (server.address() as AddressInfo).port,
    counts,
    reset: () => counts.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answerBody(name: string, request: IncomingMessage): string {
  const line = `${name} serves ${request.url ?? ''}\n`;
  if (request.url?.endsWith('/echo') !== true) return line;
  const fields = request.rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\n`));
  return `${line}${request.method ?? ''} ${request.url} HTTP/${request.httpVersion}\n${fields.join('')}`;
}

function askedStatus(url: string): number {
  return Number(/[?&]status=([2-5][0-9][0-9])(&|$)/.exec(url)?.[1] ?? 200);
}

/** Milliseconds, 10 s at most. */
function askedDelay(url: string): number {
  return Math.min(10_000, Number(/[?&]delay=([0-9]{1,5})(&|$)/.exec(url)?.[1] ?? 0));
}

/** The first segment of a path: `/appc/x?y` → `appc`. */
export function appOf(path: string): string {
  return /^\/([^/?]*)/.exec(path)?.[1] ?? '';
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new Error(listenError(error, address, port))));
    server.listen(port, address, () => resolve());
  });
}

export function listenError(error: NodeJS.ErrnoException, address: string, port: number): string {
  if (error.code === 'EADDRINUSE') return portInUse(address, port);
  // Linux answers on all of 127.0.0.0/8; macOS only on 127.0.0.1 until an alias is added.
  if (error.code === 'EADDRNOTAVAIL') {
    const advice =
      process.platform === 'darwin'
        ? `add it (until the next restart): for i in 11 12 13 14 15; do sudo ifconfig lo0 alias 127.0.0.$i up; done`
        : 'the demo needs the loopback addresses 127.0.0.11 to 127.0.0.15';
    return `${address} is not an address of this machine; ${advice}`;
  }
  return `cannot listen on ${address}:${port}: ${error.message}`;
}
