/** The baseline: http-proxy, or http-proxy-3, as a person would use it for the same work. Usage: node … layout.json LIBRARY */
import { readFileSync } from 'node:fs';
import { Agent, createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

import httpProxy from 'http-proxy';
import { createProxyServer as createSuccessor } from 'http-proxy-3';

import { WEIGHTS, type Layout } from './peer.ts';

const layout = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Layout;
const order = WEIGHTS.flatMap((weight, index) => Array.from({ length: weight }, () => layout.servers[index] ?? 0));
const cursors = new Map(layout.hosts.flatMap(({ name, apps }) => apps.map((app) => [`${name ?? ''}/${app}`, 0])));
const byHost = layout.hosts.some(({ name }) => name !== null);
const agent = new Agent({ keepAlive: true, maxSockets: 512, maxFreeSockets: 512 });
const options = { agent, xfwd: true };
const proxy = process.argv[3] === 'http-proxy-3' ? createSuccessor(options) : httpProxy.createProxyServer(options);
const broken = (_error: Error, _request: unknown, response: { destroy(): unknown }) => void response.destroy();
proxy.on('error', broken);

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
