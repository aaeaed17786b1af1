/** Objects as they are stored, parsed and by kind. */
import { type AnyObject, parseObject } from '../api/parse.ts';
import { shareParts } from '../api/share-parts.ts';
import type { Kind } from '../model/status.ts';
import type { ClusterState, InvalidObject } from './cluster-state.ts';

/** As much of a stored object as is read before it is parsed. */
export interface StoredObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly generation?: number };
  readonly spec?: unknown;
}

type Sorted = Pick<ClusterState, 'virtualServers' | 'realServers' | 'matrices' | 'invalid'>;
type Parsed = ReturnType<typeof parseObject>;

/** An object that did not change is the same object as before, and is parsed once. */
const parsed = new WeakMap<StoredObject, Parsed>();

/**
 * Those that do not parse (stored under a former version's schema, say; a write is checked at the door) are handed over
 * as invalid.
 */
export function sortObjects(objects: Iterable<StoredObject>): Sorted {
  const virtualServers = new Map<string, Extract<AnyObject, { kind: 'TcpVirtualServer' }>>();
  const realServers = new Map<string, Extract<AnyObject, { kind: 'RealServer' }>>();
  const matrices = new Map<string, Extract<AnyObject, { kind: 'AppWeightMatrix' }>>();
  const invalid: InvalidObject[] = [];
  for (const given of objects) {
    const key = `${given.metadata.namespace}/${given.metadata.name}`;
    const result = parseOnce(given);
    if (!result.ok) {
      const faults = result.faults.map((fault) => fault.message);
      invalid.push({ kind: given.kind as Kind, key, ...ageOf(given), faults });
      continue;
    }
    const { object } = result;
    if (object.kind === 'TcpVirtualServer') virtualServers.set(key, object);
    else if (object.kind === 'RealServer') realServers.set(key, object);
    else matrices.set(key, object);
  }
  return { virtualServers, realServers, matrices, invalid };
}

function parseOnce(object: StoredObject): Parsed {
  let result = parsed.get(object);
  if (result !== undefined) return result;
  result = parseObject(object);
  // The object stays, too, as it was given: most of the spec is in it.
  if (result.ok) shareParts(result.object.spec, object.spec);
  parsed.set(object, result);
  return result;
}

function ageOf({ metadata }: StoredObject): Pick<InvalidObject, 'generation' | 'creationTimestamp'> {
  const created = (metadata as { creationTimestamp?: unknown }).creationTimestamp;
  return { generation: metadata.generation ?? 1, creationTimestamp: typeof created === 'string' ? created : '' };
}
