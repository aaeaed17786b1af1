/** How the proxy is started for these tests: many lanes, each a listener with a virtual server and an origin of its own. */
import type {
  Filter,
  HealthCheck,
  Limits,
  Match,
  Piece,
  RealServerPiece,
  Retry,
  Rule,
  Timeouts,
  VirtualServerPiece,
} from '../../src/model/snapshot.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { ADDRESS, newPorts } from './address.ts';
import { THROUGH_TLS } from './client.ts';

export interface LaneOptions {
  readonly limits?: Partial<Limits>;
  readonly timeouts?: Partial<Timeouts>;
  readonly retry?: Retry;
  readonly rules?: readonly RuleOptions[];
  readonly healthCheck?: HealthCheck;
  readonly maxConnections?: number;
}

/** A rule that leads to the lane's origins. */
export interface RuleOptions {
  readonly match?: Partial<Match>;
  readonly filters?: readonly Filter[];
}

export interface LanePlan extends LaneOptions {
  /** Ports of its origins; weights are equal. */
  readonly origins: readonly number[];
}

export interface TestProxy {
  /** One per lane. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

export const LIMITS: Limits = {
  maxClients: 10_000,
  headerBytes: 16_384,
  bodyBytes: 0,
  requestsPerConnection: 0,
  keepAliveTimeout: 75_000,
  headTimeout: 10_000,
  readTimeout: 10_000,
  writeTimeout: 60_000,
};

const TIMEOUTS: Timeouts = { request: 60_000, connect: 1000, idle: 180_000 };
const RETRY: Retry = { attempts: 2, on: ['ConnectFailure', 'Reset'] };
const ANY: Match = { hosts: [], path: null, methods: [], headers: [], query: [], hashGroup: 0 };

/** The one place that knows how the engine is started. */
export async function startProxy(lanes: readonly LanePlan[]): Promise<TestProxy> {
  const other = process.env['ROBUSTNESS_PROXY'];
  if (other !== undefined) {
    const module = (await import(other)) as { startProxy(plans: readonly LanePlan[]): Promise<TestProxy> };
    return module.startProxy(lanes);
  }
  const { startTestProxy } = await import('../../src/proxy/testing.ts');
  const ports = await newPorts(lanes.length);
  const pieces = lanes.flatMap((lane, index) => piecesOf(lane, index, ports[index]!));
  const proxy = await startTestProxy({ pieces: THROUGH_TLS ? throughTls(pieces) : pieces });
  return { ports, close: () => proxy.close() };
}

/** The same with listeners of HTTPS. */
function throughTls(pieces: readonly Piece[]): Piece[] {
  const { certificate, privateKey } = makeAuthority().issue({ names: ['a.example'] });
  const key = 'test/certificate';
  const tls = { certificates: [key], minVersion: 'TLSv1.2', clientCa: [] } as const;
  const secure = pieces.map((piece): Piece => {
    if (piece.kind !== 'VirtualServer') return piece;
    return { ...piece, listeners: piece.listeners.map((each) => ({ ...each, protocol: 'HTTPS', tls })) };
  });
  return [{ kind: 'Certificate', key, hash: key, certificate, privateKey }, ...secure];
}

export function piecesOf(lane: LanePlan, index: number, port: number): Piece[] {
  const servers = lane.origins.map((origin, place): RealServerPiece => {
    const key = `test/origin-${index}-${place}`;
    return {
      kind: 'RealServer',
      key,
      hash: key,
      quiesced: false,
      maxConnections: lane.maxConnections ?? 0,
      maxPending: 0,
      isAdaptive: false,
      healthCheck: lane.healthCheck ?? null,
      protocol: 'HTTP1',
      tls: null,
      endpoints: [{ app: null, endpoints: [{ address: '127.0.0.1', port: origin }] }],
      proxyProtocol: null,
      guard: null,
      nodes: null,
      service: null,
    };
  });
  const destinations = servers.map((server) => ({ server: server.key, weight: 1 }));
  const rules = (lane.rules ?? [{}]).map((rule, place): Rule => ({
    name: `rule-${place}`,
    match: { ...ANY, ...rule.match },
    destinations: { kind: 'Servers', servers: destinations },
    filters: rule.filters ?? [],
    timeouts: { ...TIMEOUTS, ...lane.timeouts },
    retry: lane.retry ?? RETRY,
    rateLimit: null,
  }));
  const virtualServer: VirtualServerPiece = {
    kind: 'VirtualServer',
    key: `test/lane-${index}`,
    hash: `lane-${index}`,
    listeners: [
      { name: 'web', address: ADDRESS, port, protocol: 'HTTP', proxyProtocol: 'None', tls: null, hosts: ['*'] },
    ],
    scheduler: 'http',
    balance: 'RoundRobin',
    servers: [],
    rules,
    redirect: null,
    rateLimit: null,
    limits: { ...LIMITS, ...lane.limits },
  };
  return [...servers, virtualServer];
}
