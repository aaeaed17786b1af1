/** What is wrong with objects that were just written although the server took them. */
import type { ApiObject, StatusDocument } from '../admin/contract.ts';

/** Conditions of which False means that something does not work as asked. */
const TELLING = ['Accepted', 'ResolvedRefs'];

export function trouble(document: StatusDocument | null, written: readonly ApiObject[]): string[] {
  const keys = new Set(written.map(key));
  return (document?.objects ?? [])
    .filter((object) => keys.has(key(object)))
    .flatMap((object) =>
      (object.status.conditions ?? [])
        .filter(({ type, status }) => TELLING.includes(type) && status === 'False')
        .map(({ type, reason, message }) => `${key(object)}: ${type}=False (${reason}): ${message}`),
    );
}

function key({ kind, metadata }: ApiObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
