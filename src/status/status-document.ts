/** The objects with status as a cluster would show them. Pure. */
import type { ApiObject, StatusDocument } from '../admin/contract.ts';
import type { RowCounts } from '../model/counts.ts';
import type { ObjectStatus } from '../model/status.ts';
import { fillIn } from '../translate/conditions.ts';
import { knownConditions, listenerErrors, servingOf, type ServingFacts } from './known-conditions.ts';
import { statusPlacement } from './placement.ts';
import { statusProfiles } from './profiles.ts';
import type { TimedCondition } from './transitions.ts';

/** Translate's statuses with what the serving side knows. */
export function completeStatuses(statuses: readonly ObjectStatus[], facts: ServingFacts): ObjectStatus[] {
  return statuses.map((status) => completeStatus(status, facts));
}

/** Their conditions alone, which are looked at all the time: a matrix' shares are thousands of texts. */
export function completeConditions(statuses: readonly ObjectStatus[], facts: ServingFacts): ObjectStatus[] {
  return statuses.map((status) => withConditions(status, facts));
}

export function completeStatus(status: ObjectStatus, facts: ServingFacts): ObjectStatus {
  const filled = withConditions(status, facts);
  return { ...filled, details: completeDetails(filled, facts) };
}

function withConditions(status: ObjectStatus, facts: ServingFacts): ObjectStatus {
  const filled = fillIn(status, knownConditions(status, facts));
  const stalled = status.kind === 'AppWeightMatrix' ? facts.placements?.get(status.key)?.stalled : null;
  const isAccepted = filled.conditions.some(({ type, status: is }) => type === 'Accepted' && is === 'True');
  if (stalled == null || !isAccepted) return filled;
  const { observedGeneration } = status;
  const condition = { type: 'Stalled', status: 'True', ...stalled, observedGeneration } as const;
  return { ...filled, conditions: [...filled.conditions, condition] };
}

export function statusDocument(
  objects: readonly ApiObject[],
  statuses: ReadonlyMap<string, ObjectStatus>,
  timed: (status: ObjectStatus) => TimedCondition[],
  faults: NonNullable<StatusDocument['faults']>,
): StatusDocument {
  return {
    objects: objects.flatMap((object) => {
      const status = statuses.get(`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`);
      // An object of another class: somebody else's, without a status of ours.
      if (status === undefined) return [];
      const { observedGeneration, details } = status;
      return [{ ...object, status: { ...details, observedGeneration, conditions: timed(status) } }];
    }),
    faults,
  };
}

function completeDetails(status: ObjectStatus, facts: ServingFacts): ObjectStatus['details'] {
  const { details, kind, key } = status;
  const { counts, replicas } = facts;
  if (kind === 'RealServer') {
    const known = counts.endpoints.get(key);
    if (known === undefined) return details;
    const ready = known.filter((e) => e.available).length;
    return { ...details, endpoints: { total: known.length, ...asObject(details['endpoints']), ready } };
  }
  if (kind === 'AppWeightMatrix') {
    const shares = (counts.matrices.get(key) ?? []).flatMap(sharesOf);
    const profile = facts.profiles?.get(key);
    const profiles = profile === undefined ? [] : statusProfiles(profile);
    const placement = facts.placements?.get(key);
    return {
      ...details,
      ...(shares.length === 0 ? {} : { shares }),
      ...(profiles.length === 0 ? {} : { profiles }),
      ...(placement === undefined ? {} : statusPlacement(placement)),
    };
  }
  const serving = servingOf(status, facts);
  const programmed = serving.filter((replica) => listenerErrors(facts.snapshot, key, [replica]).size === 0).length;
  const counted = { ...details, replicas: { programmed, total: replicas.length } };
  const { listeners } = details;
  if (serving.length === 0 || !Array.isArray(listeners)) return counted;
  const errors = listenerErrors(facts.snapshot, key, serving);
  return { ...counted, listeners: listeners.map((each) => withProgrammed(each as Listener, errors, status)) };
}

interface Listener {
  readonly name: string;
  readonly conditions?: readonly { readonly type: string }[];
}

function withProgrammed(listener: Listener, errors: ReadonlyMap<string, string>, status: ObjectStatus): Listener {
  const conditions = listener.conditions ?? [];
  const error = errors.get(listener.name);
  if (conditions.some((c) => c.type === 'Programmed')) return listener;
  if (error === undefined && status.conditions.some((c) => c.reason === 'Suspended')) return listener;
  const programmed = {
    type: 'Programmed',
    status: error === undefined ? 'True' : 'False',
    reason: error === undefined ? 'Programmed' : 'PortUnavailable',
    message: error ?? 'It accepts connections',
    observedGeneration: status.observedGeneration,
  };
  return { ...listener, conditions: [...conditions, programmed] };
}

function sharesOf(row: RowCounts) {
  return row.cells.map((cell) => ({
    app: cell.app ?? '',
    server: cell.server.slice(cell.server.indexOf('/') + 1),
    asked: cell.askedAvailable.toFixed(3),
    ...(cell.delivered === null ? {} : { delivered: cell.delivered.toFixed(3) }),
  }));
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
