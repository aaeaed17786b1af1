/** Shares of the mixture, and who they are: clients good and bad, each of whom knows what must come of it. */
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

import { ask, mustBreak } from './ask.ts';
import { goneWithSession, reset, stream, webSocket } from './http2-clients.ts';
import { Http2Sessions } from './http2-sessions.ts';
import { garbage, gone, slow, upgrade } from './raw-clients.ts';
import type { TlsPort } from './setting.ts';

/** What clients share, and where they go. */
export interface Ground {
  readonly port: number;
  readonly tls: TlsPort;
  readonly agent: Agent;
  readonly tlsAgent: TlsAgent;
  readonly tlsSessions: Http2Sessions;
  readonly plainSessions: Http2Sessions;
  /** The last session of TLS that a server gave to those who resume. */
  ticket: Buffer | undefined;
  /** When its session began. */
  ticketSince: number;
}

export interface Kind {
  readonly name: string;
  /** Of 100. */
  readonly share: number;
  /** Path prefixes to take in turn. */
  readonly apps: readonly string[];
  /** Resolves when what had to come of it came; rejects when something else did. */
  readonly run: (ground: Ground, path: string) => Promise<void>;
}

/** What is timed: the plainest kind, and the most frequent one. */
export const KEEP_ALIVE = 'keep-alive';

const APPS = ['appa', 'appb', 'tpcw', 'appc', 'appd', 'appe'];
/** All of whose servers speak HTTP/1.1: an upgrade needs that. */
const APPS_OF_HTTP1 = ['appa', 'appb', 'tpcw'];
/** Sockets of an agent: more than ever wait at once, so that nobody stands in line for one. */
const MOST_SOCKETS = 256;

export function newGround(port: number, tls: TlsPort): Ground {
  return {
    port,
    tls,
    agent: new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS }),
    tlsAgent: new TlsAgent({ keepAlive: true, maxSockets: MOST_SOCKETS }),
    tlsSessions: new Http2Sessions(tls.port, tls),
    plainSessions: new Http2Sessions(port),
    ticket: undefined,
    ticketSince: 0,
  };
}

export async function leaveGround({ agent, tlsAgent, tlsSessions, plainSessions }: Ground): Promise<void> {
  agent.destroy();
  tlsAgent.destroy();
  await Promise.all([tlsSessions.close(), plainSessions.close()]);
}

const kind = (name: string, share: number, run: Kind['run'], apps = APPS): Kind => ({ name, share, run, apps });

export const MIXTURE: readonly Kind[] = [
  kind(KEEP_ALIVE, 50, ({ port, agent }, path) => ask(port, path, { agent })),
  kind('new connection', 4, ({ port }, path) => ask(port, path, {})),
  kind('chunked answer', 4, ({ port, agent }, path) => ask(port, `${path}?how=chunked&size=50000`, { agent })),
  kind('long answer', 1, ({ port, agent }, path) => ask(port, `${path}?size=500000`, { agent })),
  kind('chunked request', 3, ({ port, agent }, path) => ask(port, path, { agent, method: 'POST', body: 20_000 })),
  kind('HEAD', 2, ({ port, agent }, path) => ask(port, path, { agent, method: 'HEAD' })),
  kind('missing', 2, ({ port, agent }, path) => ask(port, `${path}?how=missing`, { agent, expect: 404 })),
  kind('no rule', 1, ({ port, agent }) => ask(port, '/nobody', { agent, expect: 404 })),
  kind('slow answer', 1, ({ port, agent }, path) => ask(port, `${path}?how=slow`, { agent })),
  kind('broken answer', 1, ({ port }, path) => mustBreak(ask(port, `${path}?how=break&size=5000`, {}))),
  kind('client gone', 2, ({ port }, path) => gone(port, `${path}?how=slow`)),
  kind('upgrade', 1, ({ port }, path) => upgrade(port, path), APPS_OF_HTTP1),
  kind('slow client', 1, ({ port }, path) => slow(port, path)),
  kind('garbage', 1, ({ port }) => garbage(port)),

  kind('TLS keep-alive', 7, ({ tls, tlsAgent }, path) => ask(tls.port, path, { agent: tlsAgent, tls })),
  kind('TLS new connection', 1, ({ tls }, path) => ask(tls.port, path, { tls })),
  kind('TLS resumed', 2, resumed),
  kind('TLS upgrade', 1, ({ tls }, path) => upgrade(tls.port, path, tls), APPS_OF_HTTP1),

  kind('HTTP/2 stream, TLS', 4, async ({ tlsSessions }, path) => stream(await tlsSessions.take(), path, {})),
  kind('HTTP/2 stream, plain', 4, async ({ plainSessions }, path) => stream(await plainSessions.take(), path, {})),
  kind('HTTP/2 body', 2, async ({ tlsSessions }, path) => stream(await tlsSessions.take(), path, { body: 20_000 })),
  kind('HTTP/2 long answer', 1, async ({ tlsSessions }, path) =>
    stream(await tlsSessions.take(), `${path}?size=500000`, {}),
  ),
  kind('HTTP/2 reset', 1, async ({ tlsSessions }, path) => reset(await tlsSessions.take(), `${path}?how=slow`)),
  kind('HTTP/2 broken answer', 1, async ({ plainSessions }, path) =>
    mustBreak(stream(await plainSessions.take(), `${path}?how=break&size=5000`, {})),
  ),
  kind('HTTP/2 session gone', 1, ({ tls }, path) => goneWithSession(tls.port, path, `${path}?how=slow`, tls)),
  kind(
    'HTTP/2 WebSocket',
    1,
    async ({ tlsSessions }, path) => webSocket(await tlsSessions.take(), path),
    APPS_OF_HTTP1,
  ),
];

/** Milliseconds after which a session begins anew: it is good for two hours from its first handshake (docs/tls.md). */
const SESSION_LASTS = 3_600_000;

/** A new connection that resumes the session of the last one of its kind. */
function resumed(ground: Ground, path: string): Promise<void> {
  const now = performance.now();
  if (now - ground.ticketSince > SESSION_LASTS) ground.ticket = undefined;
  const { tls, ticket } = ground;
  if (ticket === undefined) ground.ticketSince = now;
  return ask(tls.port, path, { tls, session: ticket, onSession: (session) => (ground.ticket = session) });
}
