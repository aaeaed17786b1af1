/** The conditions that only the serving side knows, from what it acknowledged and counted. Pure. */
import type { CountsDocument, EndpointCounts, RowCounts } from '../model/counts.ts';
import type { Snapshot, VirtualServerPiece } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import type { Programmed } from '../proxy/serving-contract.ts';

export const SERVING_REASONS = {
  Programmed: 'Every worker serves this generation.',
  PortUnavailable: 'A port could not be bound; the message says why.',
  CapacityExceeded: 'The configuration asks for more than the proxy can hold; the one before keeps serving.',
  Healthy: 'Endpoints take new work.',
  NotUsed: 'No rule leads here, so nothing is known against it.',
  NoEndpointAvailable: 'No endpoint takes new work: its checks fail, or it refuses or breaks connections.',
  SharesDelivered: 'What was counted in every row is what its weights ask for.',
  SharesDeviate: 'What was counted is not what the weights ask for; the message names the cell.',
  NoRequests: 'Nothing was asked of it since its weights or availability last changed.',
} as const;

type Reason = keyof typeof SERVING_REASONS;

export interface ServingFacts {
  /** The snapshot that the statuses belong to, and what became of it; null: not acknowledged yet. */
  readonly snapshot: Snapshot;
  readonly programmed: Programmed | null;
  readonly counts: Grouped;
  /** By matrix: is it on target? null: no requests. */
  readonly onTarget: ReadonlyMap<string, OnTarget>;
}

export interface OnTarget {
  readonly status: Condition['status'];
  readonly message: string;
}

export interface Grouped {
  readonly endpoints: ReadonlyMap<string, readonly EndpointCounts[]>;
  /** Rows by matrix. */
  readonly matrices: ReadonlyMap<string, readonly RowCounts[]>;
}

export function groupCounts(counts: CountsDocument): Grouped {
  const matrices = new Map<string, RowCounts[]>();
  for (const row of counts.rows) {
    const [kind, key = ''] = row.id.split(' ');
    if (kind === 'matrix') push(matrices, key, row);
  }
  const endpoints = new Map<string, EndpointCounts[]>();
  for (const endpoint of counts.endpoints) push(endpoints, endpoint.server, endpoint);
  return { endpoints, matrices };
}

/** What is known of one object; empty while its snapshot is not acknowledged. */
export function knownConditions(status: ObjectStatus, facts: ServingFacts): Condition[] {
  const { programmed } = facts;
  if (programmed === null) return [];
  const make = (type: string, value: Condition['status'], reason: Reason, message: string): Condition => ({
    type,
    status: value,
    reason,
    message,
    observedGeneration: status.observedGeneration,
  });
  if (status.kind === 'RealServer') return [healthy(facts.counts.endpoints.get(status.key) ?? [], make)];
  if (programmed.error !== undefined) return [make('Programmed', 'False', 'CapacityExceeded', programmed.error)];
  if (status.kind === 'AppWeightMatrix') {
    const { status: value, message } = facts.onTarget.get(status.key) ?? NO_REQUESTS;
    const reason = value === 'True' ? 'SharesDelivered' : value === 'False' ? 'SharesDeviate' : 'NoRequests';
    return [make('Programmed', 'True', 'Programmed', 'All workers serve it'), make('OnTarget', value, reason, message)];
  }
  const errors = listenerErrors(facts.snapshot, status.key, programmed);
  return errors.length > 0
    ? [make('Programmed', 'False', 'PortUnavailable', errors.map(([, message]) => message).join('; '))]
    : [make('Programmed', 'True', 'Programmed', 'All workers serve it')];
}

export const NO_REQUESTS: OnTarget = { status: 'Unknown', message: SERVING_REASONS.NoRequests };

/** Listener name and message, for those of a virtual server that could not be opened. */
export function listenerErrors(snapshot: Snapshot, key: string, programmed: Programmed): [string, string][] {
  const piece = snapshot.pieces.find((p): p is VirtualServerPiece => p.kind === 'VirtualServer' && p.key === key);
  return (piece?.listeners ?? []).flatMap(({ name, address, port }) => {
    const state = programmed.listeners.find((l) => l.address === address && l.port === port);
    return state?.error == null
      ? []
      : [[name, `${name} (${address} port ${port}): ${state.error}`] as [string, string]];
  });
}

function healthy(
  endpoints: readonly EndpointCounts[],
  make: (type: string, value: Condition['status'], reason: Reason, message: string) => Condition,
): Condition {
  if (endpoints.length === 0) return make('Healthy', 'True', 'NotUsed', SERVING_REASONS.NotUsed);
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
