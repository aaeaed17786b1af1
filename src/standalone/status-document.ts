/** The objects with status as a cluster would show them. Pure. */
import type { ApiObject, StatusDocument } from '../admin/contract.ts';
import type { RowCounts } from '../model/counts.ts';
import type { ObjectStatus } from '../model/status.ts';
import { fillIn } from '../translate/conditions.ts';
import { knownConditions, listenerErrors, type ServingFacts } from './known-conditions.ts';
import type { TimedCondition } from './transitions.ts';

/** Translate's statuses with what the serving side knows. */
export function completeStatuses(statuses: readonly ObjectStatus[], facts: ServingFacts): ObjectStatus[] {
  return statuses.map((status) => {
    const filled = fillIn(status, knownConditions(status, facts));
    return { ...filled, details: completeDetails(filled, facts) };
  });
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
  const { counts, programmed } = facts;
  if (kind === 'RealServer') {
    const ready = counts.endpoints.get(key)?.filter((e) => e.available).length;
    return ready === undefined ? details : { ...details, endpoints: { ...asObject(details['endpoints']), ready } };
  }
  if (kind === 'AppWeightMatrix') {
    const shares = (counts.matrices.get(key) ?? []).flatMap(sharesOf);
    return shares.length === 0 ? details : { ...details, shares };
  }
  if (programmed === null) return details;
  const inForce = status.conditions.some((c) => c.type === 'Programmed' && c.status === 'True');
  const errors = new Map(listenerErrors(facts.snapshot, key, programmed));
  return {
    ...details,
    replicas: { programmed: inForce ? 1 : 0, total: 1 },
    ...(Array.isArray(details['listeners'])
      ? { listeners: details['listeners'].map((listener) => withProgrammed(listener as Listener, errors, status)) }
      : {}),
  };
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
