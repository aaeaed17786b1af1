import { isConflict, isNotFound } from './api-error.ts';
import type { Api } from './api.ts';
import { collectionPath, type KubeObject, type OwnerReference, objectPath, type Resource } from './resource.ts';

/** History of an object, as StatefulSets keep it: written once, never changed. */
export const REVISIONS: Resource = {
  group: 'apps',
  version: 'v1',
  plural: 'controllerrevisions',
  kind: 'ControllerRevision',
};

export interface Revision {
  readonly namespace: string;
  /** Named by its content: the same content is the same revision. */
  readonly name: string;
  readonly owner: OwnerReference;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Generation of the object that it is of. */
  readonly number: number;
  readonly data: object;
}

/** Errors: ApiError; one that is there already is none. */
export async function createRevision(api: Api, revision: Revision): Promise<void> {
  const { namespace, name, owner, labels, annotations = {}, number, data } = revision;
  const body = {
    apiVersion: 'apps/v1',
    kind: REVISIONS.kind,
    metadata: { namespace, name, labels, annotations, ownerReferences: [owner] },
    revision: number,
    data,
  };
  try {
    await api.call('POST', collectionPath(REVISIONS, namespace), { body });
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
}

/** Its data; null: there is none of that name. Errors: ApiError. */
export async function readRevision(api: Api, namespace: string, name: string): Promise<unknown> {
  try {
    const object = await api.call<KubeObject>('GET', objectPath(REVISIONS, namespace, name));
    return object['data'] ?? null;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** Errors: ApiError; one that is gone already is none. */
export async function deleteRevision(api: Api, namespace: string, name: string): Promise<void> {
  try {
    await api.call('DELETE', objectPath(REVISIONS, namespace, name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
