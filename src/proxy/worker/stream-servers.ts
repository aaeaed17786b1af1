/**
 * For the tests of streams: servers of node:http2 and servers that say frame by frame what a test wants, in plain text and
 * through TLS, and a worker that speaks to them.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

import { makeAuthority } from '../../tls/fixture/authority.ts';
import { NO_CREDENTIALS } from '../messages.ts';
import { authorityPiece } from './fixture.ts';
import { frameServer, settings, type FrameConnection, type SeenRequest } from './frame-server.ts';
import { type InProcess, type InProcessOptions, startInProcess } from './in-process.ts';

/** Both ways to speak HTTP/2 to a server. */
export const KINDS = ['H2C', 'H2'] as const;
export type Kind = (typeof KINDS)[number];

type Answer = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void;
/** Answers an extended CONNECT. */
export type Tunnel = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

export interface StreamServer {
  readonly port: number;
  readonly sessions: ReadonlySet<http2.ServerHttp2Session>;
  /** Connections so far. */
  readonly opened: () => number;
  readonly close: () => void;
}

const authority = makeAuthority();
const { certificate, privateKey } = authority.issue({ names: ['server.example'] });
/** What the servers show. */
export const SHOWN = { cert: certificate, key: privateKey };

export async function streamServer(
  t: TestContext,
  kind: Kind,
  answer: Answer,
  options: http2.ServerOptions = {},
  tunnel: Tunnel = (stream) => stream.close(),
): Promise<StreamServer> {
  const sessions = new Set<http2.ServerHttp2Session>();
  const server =
    kind === 'H2' ? http2.createSecureServer({ ...options, ...SHOWN }, answer) : http2.createServer(options, answer);
  let opened = 0;
  server.on('connect', (request) => {
    request.stream.on('error', () => {});
    tunnel(request.stream, request.headers);
  });
  server.on('session', (session) => {
    opened++;
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  t.after(close);
  return { port: (server.address() as AddressInfo).port, sessions, close, opened: () => opened };
}

/** How a worker speaks to servers of this kind. */
export const speaking = (kind: Kind): Partial<InProcessOptions> =>
  kind === 'H2C'
    ? { speak: 'H2C' }
    : {
        speak: 'H2',
        tls: { hostname: 'server.example', ca: ['test/ca'], clientCertificate: null },
        credentials: { ...NO_CREDENTIALS, authorities: [authorityPiece('ca', authority.certificate)] },
      };

export async function proxyTo(
  t: TestContext,
  kind: Kind,
  ports: readonly number[],
  more: Partial<InProcessOptions> = {},
): Promise<InProcess> {
  const proxy = await startInProcess({ servers: ports, ...speaking(kind), ...more });
  t.after(() => proxy.close());
  return proxy;
}

export type Serve = (connection: FrameConnection, request: SeenRequest, nth: number) => void;

/** A server that answers each request as `serve` says, and a worker before it; `nth` counts those of all its connections. */
export async function frameStage(t: TestContext, kind: Kind, serve: Serve, more: Partial<InProcessOptions> = {}) {
  let nth = 0;
  const server = await frameServer(
    (connection) => {
      connection.send(settings());
      connection.onRequest = (request) => serve(connection, request, nth++);
    },
    kind === 'H2' ? { ...SHOWN, ALPNProtocols: ['h2'] } : null,
  );
  t.after(() => server.close());
  const proxy = await proxyTo(t, kind, [server.port], more);
  return { server, proxy, requests: () => nth };
}
