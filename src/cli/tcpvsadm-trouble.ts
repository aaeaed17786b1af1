/** What is not as asked although the server took it, by the conditions of the objects. */
import type { ApiObject, StatusDocument } from '../admin/contract.ts';

type StatusObject = StatusDocument['objects'][number];

/** Conditions of which False means that something does not work as asked. */
const TELLING = ['Accepted', 'ResolvedRefs', 'Programmed'];

/** One line per condition of one object; a virtual server that was stopped is as asked. */
export function troubleOf(object: StatusObject): string[] {
  const own = (object.status.conditions ?? [])
    .filter(({ type, status, reason }) => TELLING.includes(type) && status === 'False' && reason !== 'Suspended')
    .map(textOf);
  return [...own, ...unusedRules(object.status['rules'])];
}

type Told = Pick<NonNullable<StatusObject['status']['conditions']>[number], 'type' | 'status' | 'reason' | 'message'>;

const textOf = ({ type, reason, message }: Told): string => `${type}=False (${reason}): ${message}`;

/** Rules that are kept although nothing uses them; all else that is wrong with a rule, the object says itself. */
function unusedRules(rules: unknown): string[] {
  if (!Array.isArray(rules)) return [];
  return (rules as readonly { readonly name: string; readonly conditions?: readonly Told[] }[]).flatMap(
    ({ name, conditions = [] }) =>
      conditions
        .filter(({ type, status }) => type === 'Used' && status === 'False')
        .map((condition) => `rule ${name}: ${textOf(condition)}`),
  );
}

/** The objects of the document that are among those that were written. */
export function writtenOf(document: StatusDocument, written: readonly ApiObject[]): StatusObject[] {
  const keys = new Set(written.map(key));
  return document.objects.filter((object) => keys.has(key(object)));
}

/** Whether the server has decided on the present generation: a listener that cannot bind is known a moment later. */
export function settled({ metadata, status }: StatusObject): boolean {
  const programmed = status.conditions?.find(({ type }) => type === 'Programmed');
  return (
    programmed === undefined ||
    (programmed.status !== 'Unknown' && programmed.observedGeneration >= (metadata.generation ?? 0))
  );
}

export function key({ kind, metadata }: Pick<ApiObject, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
