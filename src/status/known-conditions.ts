/** The conditions that only the serving side knows, from what it acknowledged and counted. Pure. */
import type { CountsDocument, EndpointCounts, RowCounts } from '../model/counts.ts';
import type { MatrixPlacement } from '../model/placements.ts';
import type { MatrixProfile } from '../model/profiles.ts';
import type { Snapshot, VirtualServerPiece } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import type { ListenerState } from '../proxy/serving-contract.ts';

export const SERVING_REASONS = {
  Programmed: 'Every ready proxy serves this generation.',
  Programming: 'Some proxies do not serve this generation yet.',
  NoProxies: 'There is no ready proxy.',
  PortUnavailable: 'A port could not be bound; the message says why.',
  CapacityExceeded: 'The configuration asks for more than the proxy can hold; the one before keeps serving.',
  Healthy: 'Endpoints take new work.',
  NotUsed: 'No rule leads here, so nothing is known against it.',
  NoEndpointAvailable: 'No endpoint takes new work: its checks fail, or it refuses or breaks connections.',
  SharesDelivered: 'What was counted in every row is what its weights ask for.',
  SharesDeviate: 'What was counted is not what the weights ask for; the message names the cell.',
  LimitsBind:
    'Limits decide where requests go, not weights alone: a server is at its limit, has one that is measured, or a cell is held by its cap.',
  ScaledByOthers:
    'An autoscaler, or another field manager of spec.replicas, scales a workload: weights alone are computed for it.',
  WorkloadUnfit: 'The instances of a workload cannot be managed; the message says why.',
  WorkloadsUnknown: 'The workloads of the cluster are not known yet.',
  NotPermitted: 'The controller may not see or change workloads; the message says what permits it.',
  NoRequests: 'Nothing was asked of it since its weights or availability last changed.',
} as const;

type Reason = keyof typeof SERVING_REASONS;

export interface ServingFacts {
  /** The snapshot that the statuses belong to. */
  readonly snapshot: Snapshot;
  /** The proxies that count: standalone the only one, in a cluster those that are ready. */
  readonly replicas: readonly ReplicaFacts[];
  /**
   * The number of the snapshot from which on an object's part of it is what it is now: a proxy that serves this one or a
   * later one serves the object as it is, whatever happened to others meanwhile.
   */
  readonly since: (object: Pick<ObjectStatus, 'kind' | 'key'>) => number;
  /** Summed over the proxies. */
  readonly counts: Grouped;
  /** By matrix: is it on target? null: no requests. */
  readonly onTarget: ReadonlyMap<string, OnTarget>;
  /** By matrix; where nobody learns, none. */
  readonly profiles?: ReadonlyMap<string, MatrixProfile>;
  /** By matrix; of those whose weights are computed. */
  readonly placements?: ReadonlyMap<string, MatrixPlacement>;
}

export interface ReplicaFacts {
  /** Number of the snapshot that it has acknowledged; -1: none, or one that is not known here. */
  readonly serves: number;
  readonly listeners: readonly ListenerState[];
  /** Why it does not take the newest one. */
  readonly error?: string | undefined;
}

export interface OnTarget {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

export interface Grouped {
  /** Real servers that a row wants to give work to. */
  readonly used: ReadonlySet<string>;
  readonly endpoints: ReadonlyMap<string, readonly EndpointCounts[]>;
  /** Rows by matrix. */
  readonly matrices: ReadonlyMap<string, readonly RowCounts[]>;
}

/** What the ids of a matrix' rows begin with, before its key and the app. */
const MATRIX = 'matrix ';

export function groupCounts(counts: CountsDocument): Grouped {
  const matrices = new Map<string, RowCounts[]>();
  const used = new Set<string>();
  for (const row of counts.rows) {
    for (const { server, weight } of row.cells) if (weight > 0) used.add(server);
    if (row.id.startsWith(MATRIX)) push(matrices, row.id.slice(MATRIX.length, row.id.indexOf(' ', MATRIX.length)), row);
  }
  const endpoints = new Map<string, EndpointCounts[]>();
  for (const endpoint of counts.endpoints) push(endpoints, endpoint.server, endpoint);
  return { used, endpoints, matrices };
}

/** What is known of one object; empty while nobody serves it as it is. */
export function knownConditions(status: ObjectStatus, facts: ServingFacts): Condition[] {
  const make: Make = (type, value, reason, message) => ({
    type,
    status: value,
    reason,
    message,
    observedGeneration: status.observedGeneration,
  });
  const serving = servingOf(status, facts);
  if (status.kind === 'RealServer') {
    const { endpoints, used } = facts.counts;
    return serving.length === 0 ? [] : [healthy(endpoints.get(status.key) ?? [], used.has(status.key), make)];
  }
  const programmed = programmedOf(status, facts, serving, make);
  if (programmed === null) return [];
  if (status.kind === 'TcpVirtualServer') return [programmed];
  const { status: value, reason, message } = facts.onTarget.get(status.key) ?? NO_REQUESTS;
  return [programmed, make('OnTarget', value, reason, message)];
}

type Make = (type: string, value: Condition['status'], reason: Reason, message: string) => Condition;

/** Those of the proxies that serve the object as it is. */
export function servingOf(status: ObjectStatus, { replicas, since }: ServingFacts): readonly ReplicaFacts[] {
  const from = since(status);
  return replicas.filter(({ serves }) => serves >= from);
}

/** Null: nothing is known yet. */
function programmedOf(
  status: ObjectStatus,
  { replicas, snapshot }: ServingFacts,
  serving: readonly ReplicaFacts[],
  make: Make,
): Condition | null {
  if (replicas.length === 0) return make('Programmed', 'False', 'NoProxies', SERVING_REASONS.NoProxies);
  const refused = replicas.find((replica) => replica.error !== undefined && !serving.includes(replica));
  if (refused?.error !== undefined) return make('Programmed', 'False', 'CapacityExceeded', refused.error);
  if (serving.length === 0) return null;
  const errors = listenerErrors(snapshot, status.key, serving);
  if (errors.size > 0) return make('Programmed', 'False', 'PortUnavailable', [...errors.values()].join('; '));
  if (serving.length === replicas.length) return make('Programmed', 'True', 'Programmed', everybody(replicas.length));
  return make('Programmed', 'Unknown', 'Programming', `${serving.length} of ${replicas.length} proxies serve it`);
}

const everybody = (count: number): string => (count === 1 ? 'The proxy serves it' : `All ${count} proxies serve it`);

export const NO_REQUESTS: OnTarget = {
  status: 'Unknown',
  reason: 'NoRequests',
  message: SERVING_REASONS.NoRequests,
};

/** Message by listener's name, for those of a virtual server that a proxy could not open. */
export function listenerErrors(
  snapshot: Snapshot,
  key: string,
  replicas: readonly ReplicaFacts[],
): ReadonlyMap<string, string> {
  const errors = new Map<string, string>();
  const states = replicas.flatMap(({ listeners }) => listeners.filter(({ error }) => error !== null));
  if (states.length === 0) return errors;
  const piece = snapshot.pieces.find((p): p is VirtualServerPiece => p.kind === 'VirtualServer' && p.key === key);
  for (const { name, address, port } of piece?.listeners ?? []) {
    const state = states.find((each) => each.address === address && each.port === port);
    if (state !== undefined) errors.set(name, `${name} (${address} port ${port}): ${state.error}`);
  }
  return errors;
}

function healthy(endpoints: readonly EndpointCounts[], isUsed: boolean, make: Make): Condition {
  if (endpoints.length === 0) {
    // A node that has no pod of the apps that it is to serve (yet).
    return isUsed
      ? make('Healthy', 'False', 'NoEndpointAvailable', 'There is no endpoint that could serve')
      : make('Healthy', 'True', 'NotUsed', SERVING_REASONS.NotUsed);
  }
  // Quiesced is somebody's wish and says nothing about health.
  const well = endpoints.filter((e) => e.down.every((why) => why === 'quiesced'));
  const count = `${well.length} of ${endpoints.length} endpoints`;
  if (well.length > 0) return make('Healthy', 'True', 'Healthy', `${count} answer`);
  const reasons = [...new Set(endpoints.flatMap((e) => e.down))].join(', ');
  return make('Healthy', 'False', 'NoEndpointAvailable', `${count} answer (${reasons})`);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
