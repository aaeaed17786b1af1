/** Real servers: what others need to know of them, their pieces and statuses. */
import { parseDuration } from '../api/common.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { HealthCheck, ObjectKey, RealServerPiece } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import { isFalse, isPending, isTrue, isUnknown, type Problem, unless, withReady } from './conditions.ts';
import { resolveServerTls, type SecretWorld } from './secrets.ts';
import { type ServerSource, sourceOf, type SourceWorld } from './server-source.ts';
import { accepted, type Subject } from './subjects.ts';

/** What virtual servers and matrices need to know of a real server. */
export interface ServerFacts {
  readonly key: ObjectKey;
  readonly weight: number;
  readonly kind: 'Address' | 'Node' | 'Service';
  /** Has endpoints for every app. */
  readonly anyApp: boolean;
  /** Apps that have endpoints of their own. */
  readonly apps: ReadonlySet<string>;
}

export const factsOf = (key: ObjectKey, spec: RealServerSpec): ServerFacts => ({
  key,
  weight: spec.weight,
  kind: spec.address !== undefined ? 'Address' : spec.serviceRef !== undefined ? 'Service' : 'Node',
  anyApp: spec.port !== undefined || spec.serviceRef !== undefined,
  apps: new Set(spec.ports.map((each) => each.app)),
});

/** What is wrong with sending requests of the app (null: of no app) to the server; null: nothing. */
export const lackOf = (server: ServerFacts, app: string | null): Problem | null => {
  if (server.kind === 'Node') {
    return app === null
      ? { reason: 'NodeServer', message: `RealServer ${server.key} is a node, which has no app outside a matrix` }
      : null;
  }
  if (server.anyApp || (app !== null && server.apps.has(app))) return null;
  const what = app === null ? 'outside an app' : `for app ${app}`;
  return { reason: 'NoPortForApp', message: `RealServer ${server.key} has no port ${what}` };
};

export const sameFacts = (a: ServerFacts, b: ServerFacts): boolean =>
  a.key === b.key &&
  a.weight === b.weight &&
  a.kind === b.kind &&
  a.anyApp === b.anyApp &&
  a.apps.size === b.apps.size &&
  [...a.apps].every((app) => b.apps.has(app));

export interface ServerResult {
  readonly content: Omit<RealServerPiece, 'hash'> | null;
  readonly status: ObjectStatus;
}

export type ServerWorld = SourceWorld & Pick<SecretWorld, 'uses'>;

/** Piece and status of one real server. */
export const translateServer = (subject: Subject<RealServerSpec>, world: ServerWorld): ServerResult => {
  const { spec, key, namespace, generation } = subject;
  if (spec === null) return { content: null, status: statusOf(subject, notLookedAt(subject), {}) };
  const source = sourceOf(spec, namespace, world);
  const { tls, problems } = resolveServerTls(spec, { ...world, kind: 'RealServer', namespace });
  const lacking = [...source.problems, ...problems];
  const conditions = [
    accepted(subject, source.refusals),
    unless('ResolvedRefs', lacking, 'ResolvedRefs', source.found, generation),
    healthy(source, generation),
    spec.quiesce
      ? isTrue('Quiesced', 'Quiesced', 'Takes no new work', generation)
      : isFalse('Quiesced', 'InService', 'Takes new work', generation),
  ];
  const { endpoints, guard, nodes, service, total } = source;
  const content = {
    kind: 'RealServer' as const,
    key,
    quiesced: spec.quiesce,
    maxConnections: spec.maxConnections,
    maxPending: spec.maxPending,
    isAdaptive: spec.concurrency === 'Adaptive',
    ...(spec.slowStart === undefined ? {} : { slowStart: parseDuration(spec.slowStart)! }),
    healthCheck: healthCheckOf(spec.healthCheck),
    protocol: spec.protocol,
    tls,
    proxyProtocol: spec.proxyProtocol === 'None' ? null : spec.proxyProtocol,
    endpoints,
    guard,
    nodes,
    service,
  };
  const details = { host: hostText(spec), ...(total === null ? {} : { endpoints: { total } }) };
  return { content, status: statusOf(subject, conditions, details) };
};

/** The proxies know how endpoints are; that there are none is known here already. */
const healthy = ({ service, total }: ServerSource, generation: number): Condition =>
  service !== null && total === 0
    ? isFalse('Healthy', 'NoEndpoints', `Service ${service} has no endpoint that serves`, generation)
    : isPending('Healthy', generation);

const notLookedAt = (subject: Subject<unknown>): Condition[] => [
  accepted(subject),
  ...['ResolvedRefs', 'Healthy', 'Quiesced'].map((type) =>
    isUnknown(type, 'NotServed', 'Not looked at, because the object is not accepted', subject.generation),
  ),
];

const statusOf = (
  { key, generation }: Subject<unknown>,
  conditions: readonly Condition[],
  details: ObjectStatus['details'],
): ObjectStatus => ({
  kind: 'RealServer',
  key,
  observedGeneration: generation,
  conditions: withReady('RealServer', conditions, generation),
  details,
});

const healthCheckOf = (spec: RealServerSpec['healthCheck']): HealthCheck | null =>
  spec === undefined
    ? null
    : {
        path: spec.path,
        interval: parseDuration(spec.interval) ?? 2_000,
        timeout: parseDuration(spec.timeout) ?? 1_000,
        healthy: spec.healthy,
        unhealthy: spec.unhealthy,
      };

const hostText = (spec: RealServerSpec): string => {
  if (spec.address !== undefined) {
    const host = spec.address.includes(':') ? `[${spec.address}]` : spec.address;
    return spec.port === undefined ? host : `${host}:${spec.port}`;
  }
  if (spec.nodeName !== undefined) return `node ${spec.nodeName}`;
  if (spec.serviceRef !== undefined) {
    const { name, namespace } = spec.serviceRef;
    return namespace === undefined ? `service ${name}` : `service ${namespace}/${name}`;
  }
  const labels = Object.entries(spec.nodeSelector ?? {}).map(([name, value]) => `${name}=${value}`);
  return `nodes ${labels.join(',')}`.slice(0, 512);
};
