import type { Api } from './api.ts';
import { METADATA } from './metadata-only.ts';
import { apiVersionOf, type KubeObject, objectPath, type Resource } from './resource.ts';

export interface StatusWrite {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  /** The version that the status was made of: if the object is another one by now, the answer is a conflict. */
  readonly resourceVersion: string;
  readonly fieldManager: string;
  readonly status: unknown;
}

/**
 * Writes a status by server-side apply. The resource version is what fences: one who led until a moment ago and does not
 * know it yet cannot write over what came after. Answers with the new resource version. Errors: ApiError; 409: read the
 * object again; 404: it is gone.
 */
export async function applyStatus(api: Api, write: StatusWrite): Promise<string> {
  const { resource, namespace, name, resourceVersion, fieldManager, status } = write;
  const answer = await api.call<KubeObject>('PATCH', objectPath(resource, namespace, name, 'status'), {
    query: { fieldManager, force: true },
    contentType: APPLY,
    // The object itself may have hundreds of kilobytes, and comes by the watch anyway.
    accept: METADATA,
    body: {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { namespace, name, resourceVersion },
      status,
    },
  });
  return answer.metadata.resourceVersion ?? '';
}

/** JSON is YAML; the type with `+cbor` or `+json` is not known to all servers. */
const APPLY = 'application/apply-patch+yaml';
