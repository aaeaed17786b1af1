/** For the tests of TLS: a proxy with certificates of its own, clients, and servers that speak TLS. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import tls from 'node:tls';

import type { HandshakeFailure } from '../../model/handshakes.ts';
import type { CertificatePiece, Piece } from '../../model/snapshot.ts';
import { type Issued, makeAuthority } from '../../tls/fixture/authority.ts';
import { startTestProxy, type TestProxy } from '../testing.ts';
import {
  authorityPiece,
  certificatePiece,
  freePort,
  origin,
  type Origin,
  realServer,
  rule,
  to,
  virtualServer,
} from './fixture.ts';
import { until } from './in-process.ts';

export const authority = makeAuthority();
export const other = makeAuthority('another authority');
export const shop = authority.issue({ names: ['shop.example', '*.shop.example'] });
export const client = authority.issue({ names: ['client.example'] });

export interface Stage {
  readonly port: number;
  readonly web: Origin;
  readonly proxy: TestProxy;
  /** Serves these beside certificate `shop`, authority `clients` and server `web`. */
  readonly serve: (...pieces: Piece[]) => Promise<void>;
}

/** An HTTPS listener with the certificate `shop`, unless `pieces` (made for its port) say something else. */
export async function stage(t: TestContext, pieces?: (port: number) => readonly Piece[], workers = 2): Promise<Stage> {
  const web = await origin('web');
  const port = await freePort();
  const common = [
    certificatePiece('shop', shop),
    authorityPiece('clients', authority.certificate),
    realServer('web', web.port),
  ];
  const first = pieces?.(port) ?? [secureServer(port)];
  const proxy = await startTestProxy({ workers, pieces: [...common, ...first] });
  t.after(async () => {
    await proxy.close();
    web.close();
  });
  return { port, web, proxy, serve: (...more) => proxy.configure([...common, ...more]) };
}

/** What a machine that is busy with other things does to a connection is not what this is about. */
export const PATIENT = { timeouts: { request: 60_000, connect: 30_000, idle: 60_000 } };

/** A plain listener in front of these servers, `serve` serves others. */
export async function front(t: TestContext, ...pieces: readonly Piece[]) {
  const names = pieces.filter(({ kind }) => kind === 'RealServer').map(({ key }) => key.slice('test/'.length));
  const listener = (port: number) => virtualServer(port, { rules: [rule('all', to(...names), {}, PATIENT)] });
  const world = await stage(t, (port) => [...pieces, listener(port)], 1);
  return { ...world, serve: (...changed: readonly Piece[]) => world.serve(...changed, listener(world.port)) };
}

export function secureServer(port: number, more: Partial<Parameters<typeof virtualServer>[1]> = {}) {
  return virtualServer(port, {
    protocol: 'HTTPS',
    tls: { certificates: ['test/shop'] },
    rules: [rule('all', to('web'))],
    ...more,
  });
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly socket: tls.TLSSocket;
}

/** One request; the certificate must be that of `servername` (shop.example). */
export async function get(
  port: number,
  path: string,
  options: https.RequestOptions & { session?: Buffer } = {},
): Promise<Answer> {
  const request = https.request({ ...clientOptions(port), path, agent: false, ...options });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode!, body, headers: response.headers, socket: response.socket as tls.TLSSocket };
}

export const clientOptions = (port: number) => ({
  host: '127.0.0.1',
  port,
  ca: authority.certificate,
  servername: 'shop.example',
  headers: { host: 'shop.example' },
});

/** A connection whose handshake is over. Errors: why it did not come about. */
export async function connected(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const { headers: _, ...defaults } = clientOptions(port);
  const socket = tls.connect({ ...defaults, ...options });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

export const keyAndCertificate = ({ certificate, privateKey }: Issued) => ({ cert: certificate, key: privateKey });

/** The same for a server that wants a certificate of whoever connects. */
export const asking = (issued: Issued) => ({
  ...keyAndCertificate(issued),
  ca: authority.certificate,
  requestCert: true,
  rejectUnauthorized: true,
});

/** A certificate to show, and the one that takes its place. */
export const clientCertificates = () =>
  ['first', 'second'].map((subject) => certificatePiece('client', authority.issue({ names: [], subject }))) as [
    CertificatePiece,
    CertificatePiece,
  ];

/** A server that is spoken to by TLS and answers with its name and how the connection came about. */
export async function secureOrigin(
  t: TestContext,
  options: https.ServerOptions,
  answer: http.RequestListener = (request, response) => {
    const socket = request.socket as tls.TLSSocket;
    response.setHeader('x-resumed', String(socket.isSessionReused()));
    response.setHeader('x-name', String((socket as { servername?: unknown }).servername));
    response.setHeader('x-client', socket.getPeerCertificate().subject?.CN ?? '');
    response.end('secure');
  },
): Promise<{ readonly port: number; readonly server: https.Server }> {
  const server = https.createServer(options, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

/** Workers count for themselves: it is seen a moment later. */
export const failures = (proxy: TestProxy, why: HandshakeFailure, times: number) =>
  until(() => proxy.serving.totals().tls.failures[why] === times, `not counted as ${why}`);
