/** Real servers: what others need to know of them, their pieces and statuses. */
import { parseDuration } from '../api/common.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { EndpointSet, HealthCheck, ObjectKey, RealServerPiece } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import type { ClusterState } from './cluster-state.ts';
import { isFalse, isPending, isTrue, isUnknown, type Problem, unless, withReady } from './conditions.ts';
import { resolveServerTls, type SecretWorld } from './secrets.ts';
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

export interface ServerResult {
  readonly content: Omit<RealServerPiece, 'hash'> | null;
  readonly status: ObjectStatus;
}

/** Piece and status of one real server. */
export const translateServer = (
  subject: Subject<RealServerSpec>,
  mode: ClusterState['mode'],
  secrets: Pick<SecretWorld, 'grants' | 'verdict'>,
): ServerResult => {
  const { key, generation, spec, namespace } = subject;
  const { tls, problems } =
    spec === null ? { tls: null, problems: [] } : resolveServerTls(spec, { ...secrets, kind: 'RealServer', namespace });
  const endpoints = spec === null ? [] : endpointSets(spec);
  const conditions: Condition[] = [accepted(subject)];
  if (spec === null) {
    conditions.push(
      isUnknown('ResolvedRefs', 'NotServed', 'Not looked at, because the object is not accepted', generation),
      isUnknown('Healthy', 'NotServed', 'Not looked at, because the object is not accepted', generation),
      isUnknown('Quiesced', 'NotServed', 'Not looked at, because the object is not accepted', generation),
    );
  } else {
    conditions.push(
      resolved(spec, mode, problems, generation),
      isPending('Healthy', generation),
      spec.quiesce
        ? isTrue('Quiesced', 'Quiesced', 'Takes no new work', generation)
        : isFalse('Quiesced', 'InService', 'Takes new work', generation),
    );
  }
  const total = new Set(endpoints.flatMap((set) => set.endpoints.map((each) => `${each.address} ${each.port}`))).size;
  return {
    content:
      spec === null
        ? null
        : {
            kind: 'RealServer',
            key,
            quiesced: spec.quiesce,
            maxConnections: spec.maxConnections,
            healthCheck: healthCheckOf(spec.healthCheck),
            protocol: spec.protocol,
            tls,
            endpoints,
          },
    status: {
      kind: 'RealServer',
      key,
      observedGeneration: generation,
      conditions: withReady('RealServer', conditions, generation),
      details: spec === null ? {} : { host: hostText(spec), endpoints: { total } },
    },
  };
};

const endpointSets = (spec: RealServerSpec): EndpointSet[] => {
  const { address } = spec;
  if (address === undefined) return [];
  const shared = spec.port === undefined ? [] : [{ app: null, endpoints: [{ address, port: spec.port }] }];
  return [...shared, ...spec.ports.map(({ app, port }) => ({ app, endpoints: [{ address, port }] }))];
};

const resolved = (
  spec: RealServerSpec,
  mode: ClusterState['mode'],
  problems: readonly Problem[],
  generation: number,
): Condition => {
  if (spec.address !== undefined) {
    return unless('ResolvedRefs', problems, 'ResolvedRefs', 'A fixed address', generation);
  }
  const field = (['nodeName', 'nodeSelector', 'serviceRef'] as const).find((each) => spec[each] !== undefined);
  const message =
    mode === 'Standalone'
      ? `${field} needs a cluster; without one a RealServer has an address and a port`
      : `${field}: the endpoints of Services are not known yet`;
  return isFalse('ResolvedRefs', 'NeedsCluster', message, generation);
};

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
  if (spec.serviceRef !== undefined) return `service ${spec.serviceRef.name}`;
  const labels = Object.entries(spec.nodeSelector ?? {}).map(([name, value]) => `${name}=${value}`);
  return `nodes ${labels.join(',')}`.slice(0, 512);
};
