/** What is written to pods: no more than a ValidatingAdmissionPolicy of the chart lets through. Pure. */
import { DELETION_COST, GATE, type PodFacts } from '../facts/workloads.ts';

/** The most that a preference can weigh. */
const WEIGHT = 100;
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

export interface Operation {
  readonly op: 'test' | 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/**
 * A JSON patch that opens the gate, and says which node is preferred. Preferred and not required: an open pod's affinity can be
 * changed no more, and a required one would strand it when the node fills or dies. Null: there is no gate.
 * @param node null: the scheduler chooses
 */
export function openingPatch({ gate, resourceVersion, affinity }: PodFacts, node: string | null): Operation[] | null {
  if (gate === null) return null;
  const term = {
    weight: WEIGHT,
    preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] },
  };
  const places: Readonly<Record<PodFacts['affinity'], Operation>> = {
    None: { op: 'add', path: '/spec/affinity', value: { nodeAffinity: { [PREFERRED]: [term] } } },
    NoNode: { op: 'add', path: '/spec/affinity/nodeAffinity', value: { [PREFERRED]: [term] } },
    NoPreferred: { op: 'add', path: `/spec/affinity/nodeAffinity/${PREFERRED}`, value: [term] },
    Preferred: { op: 'add', path: `/spec/affinity/nodeAffinity/${PREFERRED}/-`, value: term },
  };
  return [
    // As it was when this was decided, or not at all.
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'test', path: `/spec/schedulingGates/${gate}/name`, value: GATE },
    ...(node === null ? [] : [places[affinity]]),
    { op: 'remove', path: `/spec/schedulingGates/${gate}` },
  ];
}

/** A merge patch; `uid`: of this pod and of none that has come in its place. */
export function costPatch({ uid }: PodFacts, cost: number | null): object {
  return { metadata: { uid, annotations: { [DELETION_COST]: cost === null ? null : String(cost) } } };
}
