/**
 * What a server sets in an object's metadata: uid and creationTimestamp stay while the object exists, also over reloads
 * and, with a state directory, over restarts ("the older object wins" needs it); generation grows with every change of
 * the spec.
 */
import type { ApiObject } from '../admin/contract.ts';
import { hashOf, type ObjectId } from './objects.ts';

export interface Identity {
  readonly uid: string;
  readonly creationTimestamp: string;
  readonly generation: number;
  readonly specHash: string;
}

export type Identities = ReadonlyMap<ObjectId, Identity>;

/** The identities of these objects, from those that were. `now` is an RFC 3339 time, `newUid` makes a UUID. */
export function assignIdentities(
  before: Identities,
  objects: ReadonlyMap<ObjectId, ApiObject>,
  now: string,
  newUid: () => string,
): Identities {
  const result = new Map<ObjectId, Identity>();
  for (const [id, object] of objects) {
    const specHash = hashOf(Object(object.spec));
    const known = before.get(id);
    if (known === undefined) result.set(id, { uid: newUid(), creationTimestamp: now, generation: 1, specHash });
    else if (known.specHash === specHash) result.set(id, known);
    else result.set(id, { ...known, generation: known.generation + 1, specHash });
  }
  return result;
}

export function withIdentity(object: ApiObject, identity: Identity): ApiObject {
  const { uid, creationTimestamp, generation } = identity;
  return { ...object, metadata: { ...object.metadata, uid, creationTimestamp, generation } };
}
