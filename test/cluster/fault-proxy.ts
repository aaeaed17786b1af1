/**
 * Stands in front of an API server and does to it what networks and servers in trouble do: answers in its place, breaks
 * connections, lets streams stall, says that a watch is too old in the middle of it. HTTP/2 and HTTP/1.1.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { Agent, request as send } from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';

import { SERVER_NAME } from './api-client.ts';
import type { ApiHandle } from './api-handle.ts';
import { kubeconfig } from './kubeconfig.ts';

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly watch: boolean;
}

export type Fault =
  /** Answers with a Status of the API's, and asks nobody. */
  | { readonly kind: 'Status'; readonly status: number; readonly reason: string }
  /** A watch: passes on what comes within so many milliseconds, then an ERROR event, then the end. */
  | { readonly kind: 'ErrorEvent'; readonly status: number; readonly reason: string; readonly after: number }
  /** Answers a list as if there were nothing, at the version that the server is at. */
  | { readonly kind: 'EmptyList' }
  /** Breaks the connection, and whatever else runs over it, after so many milliseconds of the answer. */
  | { readonly kind: 'Reset'; readonly after: number }
  /** Passes on the head of the answer, and then nothing, not even its end. */
  | { readonly kind: 'Stall' }
  /** Passes everything on later. */
  | { readonly kind: 'Delay'; readonly milliseconds: number };

export interface FaultProxy {
  readonly url: string;
  /** Asked for every request; null: passed on. */
  decide: (asked: Asked) => Fault | null;
  /** Requests so far, those that were not passed on too. */
  readonly requests: number;
  /** Open now. */
  readonly connections: number;
  /** Path of a kubeconfig by which somebody comes this way. */
  kubeconfig(token: string): string;
  /** Breaks all connections now. */
  reset(): void;
  /** Takes no connections any more, as a machine that is down, until `up`; those that are there end. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

export async function startFaultProxy(
  api: Pick<ApiHandle, 'url' | 'ca' | 'directory'>,
  address = '127.0.0.1',
): Promise<FaultProxy> {
  // The API server's own: whoever trusts it trusts this.
  const at = (name: string) => readFileSync(join(api.directory, 'certificates', name));
  const agent = new Agent({ keepAlive: true, ca: api.ca, servername: SERVER_NAME });
  const sockets = new Set<Socket>();
  let requests = 0;
  let configs = 0;
  const create = () => {
    const made = createSecureServer({ cert: at('apiserver.crt'), key: at('apiserver.key'), allowHTTP1: true });
    made.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    made.on('session', (session) => session.on('error', () => undefined));
    made.on('request', (request, response) => {
      requests++;
      serve(api.url, agent, proxy.decide, request, response);
    });
    return made;
  };
  let server = create();
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, address, resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const down = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    reset();
    await closed;
  };
  const proxy: FaultProxy = {
    url: `https://${address}:${port}`,
    decide: () => null,
    get requests() {
      return requests;
    },
    get connections() {
      return sockets.size;
    },
    kubeconfig: (token) => {
      const path = join(api.directory, `fault-proxy-${port}-${configs++}`);
      writeFileSync(path, kubeconfig({ url: `https://${address}:${port}`, ca: api.ca, token }), { mode: 0o600 });
      return path;
    },
    reset,
    down,
    up: async () => {
      server = create();
      await listen(port);
    },
    stop: async () => {
      agent.destroy();
      await down();
    },
  };
  return proxy;
}

/** Of HTTP/1.1, which HTTP/2 does not know. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'proxy-connection', 'host']);

function serve(
  server: string,
  agent: Agent,
  decide: FaultProxy['decide'],
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): void {
  response.on('error', () => undefined);
  request.on('error', () => undefined);
  const path = request.url;
  const fault = decide({ method: request.method, path, watch: /[?&]watch=true/.test(path) });
  if (fault?.kind === 'Status') {
    request.resume();
    const { status, reason } = fault;
    const text = JSON.stringify({
      kind: 'Status',
      status: 'Failure',
      code: status,
      reason,
      message: 'by the fault proxy',
    });
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    return;
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !name.startsWith(':') && !HOP_BY_HOP.has(name)),
  );
  const outgoing = send(new URL(path, server), { method: request.method, headers, agent }, (incoming) => {
    const begin = () => pass(incoming, response, fault, () => breakConnection(request));
    if (fault?.kind === 'Delay') setTimeout(begin, fault.milliseconds);
    else begin();
  });
  outgoing.on('error', () => breakConnection(request));
  response.on('close', () => outgoing.destroy());
  request.pipe(outgoing);
}

function pass(incoming: IncomingMessage, response: Http2ServerResponse, fault: Fault | null, cut: () => void): void {
  incoming.on('error', cut);
  const headers = Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name));
  if (fault?.kind === 'EmptyList') {
    void empty(incoming).then((text) => response.writeHead(200, { 'content-type': 'application/json' }).end(text));
    return;
  }
  response.writeHead(incoming.statusCode ?? 502, Object.fromEntries(headers) as Record<string, string>);
  // HTTP/2 has sent it already; HTTP/1.1 would wait for the first byte of a body that may be long in coming.
  (response as { flushHeaders?: () => void }).flushHeaders?.();
  if (fault?.kind === 'Stall') {
    incoming.resume();
    return;
  }
  // Not ended together: what fails in the middle must look so to who reads it.
  incoming.pipe(response);
  if (fault?.kind === 'Reset') setTimeout(cut, fault.after);
  if (fault?.kind !== 'ErrorEvent') return;
  setTimeout(() => {
    incoming.unpipe(response);
    incoming.destroy();
    const { status, reason } = fault;
    const object = { kind: 'Status', status: 'Failure', code: status, reason, message: 'by the fault proxy' };
    response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
  }, fault.after);
}

async function empty(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  const list = JSON.parse(text) as { metadata: { resourceVersion: string } };
  return JSON.stringify({ ...list, metadata: { resourceVersion: list.metadata.resourceVersion }, items: [] });
}

function breakConnection(request: Http2ServerRequest): void {
  const session = request.stream?.session;
  if (session !== undefined) session.socket.destroy();
  else request.socket.destroy();
}
