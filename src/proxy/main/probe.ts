/** Asks an endpoint whether it is there. Resolves to null, or to what is wrong with it; never rejects. */
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

import type { ProxyProtocol, ServerProtocol, ServerTls } from '../../model/snapshot.ts';
import { proxyHeader } from '../../proxy-protocol/write-header.ts';
import type { AddressGuard, ConnectTo } from '../address-guard.ts';
import {
  connectionOptions,
  hasAgreed,
  type ServerConnection,
  type ServerContexts,
  speaksAnother,
} from '../server-contexts.ts';

export type Probe = (endpoint: ProbeTarget, check: { path: string; timeout: number } | null) => Promise<string | null>;

export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: ServerProtocol;
  readonly tls: ServerTls | null;
  readonly proxyProtocol: ProxyProtocol | null;
  /** As GuardedHostPort.guard. */
  readonly guard: string | null;
}

/** The same as data-plane.md says for connecting. */
const CONNECT_TIMEOUT = 1000;
const HANDSHAKE_TIMEOUT = 10_000;

/**
 * Those that are spoken to by TLS are asked by TLS, and have to show who they are. What must not be connected to is not
 * asked either.
 */
export const probeWith =
  (contexts: Pick<ServerContexts, 'contextFor'>, guard: AddressGuard): Probe =>
  async (endpoint, check) => {
    const to = guard.connectTo(endpoint);
    let secure: ServerConnection | null = null;
    try {
      const { tls, address } = endpoint;
      if (tls !== null) secure = connectionOptions(tls, address, contexts.contextFor(tls), endpoint.protocol);
    } catch (error) {
      return describe(error as Error);
    }
    const { proxyProtocol, protocol } = endpoint;
    const open: Open = (opened, failed) => {
      const shake = (socket: TLSSocket) =>
        socket
          .on('error', (error) => failed(protocol === 'H2' && speaksAnother(error) ? NO_HTTP2 : error))
          .on('secureConnect', () => (hasAgreed(socket, protocol) ? opened(socket) : failed(NO_HTTP2)));
      if (proxyProtocol === null && secure !== null) return shake(connectTls({ ...to, ...secure }));
      const raw = net.connect(to);
      raw.on('error', failed).on('connect', () => {
        // nobody's connection but ours
        if (proxyProtocol !== null) raw.write(proxyHeader(proxyProtocol, null));
        if (secure === null) opened(raw);
        else shake(connectTls({ ...secure, socket: raw }));
      });
      return raw;
    };
    if (check === null) return await probeConnect(open, secure === null ? CONNECT_TIMEOUT : HANDSHAKE_TIMEOUT);
    const isHttp2 = protocol === 'H2C' || protocol === 'H2';
    return await (isHttp2 ? probeHttp2(endpoint, check, open) : probeHttp(to, check, open));
  };

/** Makes a connection that a request can be sent over. @returns what to destroy, whatever becomes of it */
type Open = (opened: (socket: net.Socket) => void, failed: (error: Error) => void) => net.Socket;

/** Each has a descriptor: a cluster that does not answer must not use them up. */
export const PROBES_AT_ONCE = 64;

/** The same, with at most so many under way; the others wait in turn. */
export function bounded(ask: Probe, most: number): Probe {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (endpoint, check) => {
    if (running >= most) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    } else running++;
    try {
      return await ask(endpoint, check);
    } finally {
      // The place goes to the next one.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

function probeConnect(open: Open, timeout: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = open(
      () => end(null),
      (error) => end(describe(error)),
    );
    const end = finish(timeout, () => socket.destroy(), resolve);
  });
}

interface Check {
  readonly path: string;
  readonly timeout: number;
}

function probeHttp(to: ConnectTo, check: Check, open: Open): Promise<string | null> {
  return new Promise((resolve) => {
    const raw = open(
      (socket) => {
        const request = http.request({
          // for the Host field
          ...to,
          defaultPort: 'encrypted' in socket ? 443 : 80,
          createConnection: () => socket,
          path: check.path,
          headers: { 'user-agent': 'tcpvs-health-check', connection: 'close' },
        });
        request.on('response', (response) => end(verdict(response.statusCode ?? 0)));
        request.on('upgrade', () => end('unexpected upgrade'));
        request.on('error', (error) => end(describe(error)));
        request.end();
      },
      (error) => end(describe(error)),
    );
    const end = finish(check.timeout, () => raw.destroy(), resolve);
  });
}

function probeHttp2({ address, port, tls }: ProbeTarget, check: Check, open: Open): Promise<string | null> {
  const host = net.isIPv6(address) ? `[${address}]` : address;
  return new Promise((resolve) => {
    let session: http2.ClientHttp2Session | null = null;
    const raw = open(
      (socket) => {
        session = http2.connect(`${tls === null ? 'http' : 'https'}://${host}:${port}`, {
          createConnection: () => socket,
        });
        session.on('error', (error) => end(describe(error)));
        const request = session.request({ ':path': check.path, 'user-agent': 'tcpvs-health-check' });
        request.on('response', (headers) => end(verdict(Number(headers[':status']))));
        // A stream that is cancelled says by its cause what became of the session.
        request.on('error', (error) => end(describe(error.cause instanceof Error ? error.cause : error)));
        request.end();
      },
      (error) => end(describe(error)),
    );
    const stop = () => {
      session?.destroy();
      raw.destroy();
    };
    const end = finish(check.timeout, stop, resolve);
  });
}

function finish(timeout: number, stop: () => void, resolve: (problem: string | null) => void) {
  let ended = false;
  const end = (problem: string | null) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    stop();
    resolve(problem);
  };
  const timer = setTimeout(() => end(`no answer within ${timeout} ms`), timeout);
  return end;
}

const NO_HTTP2 = new Error('the server does not choose h2 by ALPN');

const verdict = (status: number): string | null => (status >= 200 && status < 400 ? null : `status ${status}`);

const describe = (error: Error & { code?: string }): string => error.code ?? error.message;
