/** Pieces and servers for the tests of this room. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

import type {
  AuthorityPiece,
  CertificatePiece,
  Destination,
  Limits,
  ListenerTls,
  Match,
  Protocol,
  RealServerPiece,
  Rule,
  VirtualServerPiece,
} from '../../model/snapshot.ts';
import type { Issued } from '../../tls/fixture/authority.ts';
import { bindAddress } from '../supervisor/bind.ts';

const ANY: Match = { hosts: [], path: null, methods: [], headers: [], query: [], hashGroup: 0 };

const LIMITS: Limits = {
  maxClients: 1000,
  headerBytes: 16_384,
  bodyBytes: 0,
  requestsPerConnection: 0,
  keepAliveTimeout: 75_000,
  headTimeout: 10_000,
  readTimeout: 60_000,
  writeTimeout: 60_000,
};

export function realServer(name: string, port: number, more: Partial<RealServerPiece> = {}): RealServerPiece {
  return {
    kind: 'RealServer',
    key: `test/${name}`,
    hash: `${name} ${port} ${JSON.stringify(more)}`,
    quiesced: false,
    maxConnections: 0,
    maxPending: 0,
    isAdaptive: false,
    healthCheck: null,
    protocol: 'HTTP1',
    tls: null,
    endpoints: [{ app: null, endpoints: [{ address: '127.0.0.1', port }] }],
    proxyProtocol: null,
    guard: null,
    nodes: null,
    service: null,
    ...more,
  };
}

export function rule(
  name: string,
  servers: readonly Destination[],
  match: Partial<Match> = {},
  more: Partial<Rule> = {},
): Rule {
  return {
    name,
    match: { ...ANY, ...match },
    destinations: { kind: 'Servers', servers },
    filters: [],
    timeouts: { request: 10_000, connect: 1000, idle: 10_000 },
    retry: { attempts: 1, on: ['ConnectFailure', 'Reset'] },
    rateLimit: null,
    ...more,
  };
}

export function virtualServer(
  port: number,
  more: Partial<Omit<VirtualServerPiece, 'limits'>> & {
    limits?: Partial<Limits>;
    protocol?: Protocol;
    hosts?: readonly string[];
    tls?: Partial<ListenerTls>;
  },
): VirtualServerPiece {
  const { limits, protocol = 'HTTP', hosts = ['*'], tls, ...rest } = more;
  const terms =
    protocol === 'HTTPS' ? { certificates: [], minVersion: 'TLSv1.2' as const, clientCa: [], ...tls } : null;
  return {
    kind: 'VirtualServer',
    key: 'test/main',
    hash: JSON.stringify(more),
    listeners: [{ name: 'main', address: '127.0.0.1', port, protocol, proxyProtocol: 'None', tls: terms, hosts }],
    scheduler: 'http',
    balance: 'RoundRobin',
    servers: [],
    rules: [],
    redirect: null,
    rateLimit: null,
    limits: { ...LIMITS, ...limits },
    ...rest,
  };
}

export function certificatePiece(name: string, { certificate, privateKey }: Issued): CertificatePiece {
  return { kind: 'Certificate', key: `test/${name}`, hash: hash('sha256', certificate), certificate, privateKey };
}

export function authorityPiece(name: string, certificates: string): AuthorityPiece {
  return { kind: 'Authority', key: `test/${name}`, hash: hash('sha256', certificates), certificates };
}

/** Equal weights. */
export function to(...names: string[]): Destination[] {
  return names.map((name) => ({ server: `test/${name}`, weight: 1 }));
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A port that refuses: it is bound, so that nobody else comes to listen on it. */
export function refusingPort(): number {
  const address: { port?: number } = {};
  bindAddress('127.0.0.1', 0).getsockname!(address);
  return address.port!;
}

export interface Origin {
  readonly port: number;
  readonly requests: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[];
  close(): void;
}

/** A server that answers with its name, or as `answer` says. */
export async function origin(name: string, answer?: http.RequestListener, port = 0): Promise<Origin> {
  const requests: Origin['requests'] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('end', () => {
      requests.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      if (answer === undefined) response.end(name);
      else answer(request, response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  // where the proxy that it is for does not come up, nobody is there to close it
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** One request over a connection of its own. */
export async function ask(
  port: number,
  path: string,
  options: http.RequestOptions & { body?: string } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  const request = http.request({ host: '127.0.0.1', port, path, agent: false, ...rest });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of response) text += (chunk as Buffer).toString('latin1');
  return { status: response.statusCode!, headers: response.headers, body: text };
}
