/** One of our objects as the controller keeps it: parsed once, without what nobody asks for. Pure. */
import { isDeepStrictEqual } from 'node:util';

import { DEFAULT_CLASS } from '../api/group.ts';
import { type AnyObject, parseObject } from '../api/parse.ts';
import { shareParts } from '../api/share-parts.ts';
import { type KubeObject, keyOf } from '../kube/resource.ts';
import type { Kind } from '../model/status.ts';
import type { InvalidObject } from '../translate/cluster-state.ts';

export interface KnownObject {
  /** Without its spec: metadata and status as the API has them. */
  readonly object: KubeObject;
  /** null: of another class, and none of our business. */
  readonly read: Read | null;
}

/** The same object (===) while its spec is the same, whatever happens to status and metadata. */
export type Read =
  | { readonly ok: true; readonly object: AnyObject }
  | { readonly ok: false; readonly invalid: InvalidObject };

/** `before`: what was known of it. A status that changes (we write them) must not look like a change of the object. */
export function know(object: KubeObject, className: string, before: KnownObject | undefined): KnownObject {
  const { apiVersion = '', kind = '', metadata, spec, status } = object;
  const { namespace, name, uid, resourceVersion, generation, creationTimestamp } = metadata;
  const slim = { namespace, name, uid, resourceVersion, generation, creationTimestamp } as KubeObject['metadata'];
  const known = { apiVersion, kind, metadata: slim, status };
  if (classOf(spec) !== className) return { object: { apiVersion, kind, metadata: slim }, read: null };
  const former = before?.object.metadata;
  const isSame =
    before?.read != null && former?.uid === uid && former?.generation === generation && generation !== undefined;
  if (isSame && (kind !== 'AppWeightMatrix' || isDeepStrictEqual(rowsOf(before.object), rowsOf(known)))) {
    return { object: known, read: before.read };
  }
  const parsed = parseObject({
    apiVersion,
    kind,
    metadata: { namespace, name, uid, generation, creationTimestamp },
    spec,
    ...(kind === 'AppWeightMatrix' && status !== undefined ? { status } : {}),
  });
  if (!parsed.ok) return { object: known, read: { ok: false, invalid: toInvalid(known, parsed.faults) } };
  shareParts(parsed.object.spec);
  const kept = isSame && before.read.ok ? { ...parsed.object, spec: before.read.object.spec } : parsed.object;
  return { object: known, read: { ok: true, object: kept as AnyObject } };
}

function classOf(spec: unknown): unknown {
  const { className = DEFAULT_CLASS } = (spec ?? {}) as { className?: unknown };
  return className;
}

/** Of a matrix that is computed: the weights in force. */
function rowsOf({ status }: KubeObject): unknown {
  return ((status ?? {}) as { rows?: unknown }).rows;
}

function toInvalid(object: KubeObject, faults: readonly { readonly message: string }[]): InvalidObject {
  const { generation = 1, creationTimestamp = '' } = object.metadata;
  return {
    kind: object.kind as Kind,
    key: keyOf(object),
    generation,
    creationTimestamp,
    faults: faults.map(({ message }) => message),
  };
}
