/**
 * The baseline: http-proxy, or a successor with the same interface, as a person would use it for the same work.
 * Usage: node … layout.json MODULE, where MODULE is a package's name or a file's path.
 */
import { readFileSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

import { WEIGHTS, type Layout } from './peer.ts';

interface Library {
  createProxyServer(options: { agent: Agent; xfwd: boolean }): Proxy;
}

interface Proxy {
  web(request: IncomingMessage, response: ServerResponse, options: { target: string }): unknown;
  on(event: 'error', heard: (error: Error, request: unknown, response: { destroy(): unknown }) => void): unknown;
}

const layout = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Layout;
const order = WEIGHTS.flatMap((weight, index) => Array.from({ length: weight }, () => layout.servers[index] ?? 0));
const cursors = new Map(layout.hosts.flatMap(({ name, apps }) => apps.map((app) => [`${name ?? ''}/${app}`, 0])));
const byHost = layout.hosts.some(({ name }) => name !== null);
const agent = new Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 512 });
const module = (await import(process.argv[3] ?? '')) as Library | { default: Library };
const library = 'createProxyServer' in module ? module : module.default;
const proxy = library.createProxyServer({ agent, xfwd: true });
proxy.on('error', (_error, _request, response) => response.destroy());

const listener: RequestListener = (request, response) => {
  const app = request.url?.split('/', 2)[1] ?? '';
  const rule = `${byHost ? (request.headers.host ?? '') : ''}/${app}`;
  const cursor = cursors.get(rule);
  if (cursor === undefined) {
    response.writeHead(404).end();
    return;
  }
  cursors.set(rule, (cursor + 1) % order.length);
  proxy.web(request, response, { target: `http://127.0.0.1:${order[cursor] ?? 0}` });
};
const files = layout.tls;
const server =
  files === null
    ? createServer(listener)
    : createSecureServer({ cert: readFileSync(files.certificate), key: readFileSync(files.key) }, listener);
server.keepAliveTimeout = 300_000;
server.listen(layout.port, '127.0.0.1', 4096);
