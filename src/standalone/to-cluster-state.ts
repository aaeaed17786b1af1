import type { ApiObject } from '../admin/contract.ts';
import { type AnyObject, parseObject } from '../api/parse.ts';
import type { Kind } from '../model/status.ts';
import type { ClusterState, InvalidObject, LastGood } from '../translate/cluster-state.ts';
import { hashOf, objectId, type ObjectId } from './objects.ts';
import type { SourceState } from './source.ts';

type Parsed = ReturnType<typeof parseObject>;

/** An object that did not change is the same object as before (see `layers.ts`), and is parsed once. */
const parsed = new WeakMap<ApiObject, Parsed>();

function parseOnce(object: ApiObject): Parsed {
  let result = parsed.get(object);
  if (result === undefined) parsed.set(object, (result = parseObject(object)));
  return result;
}

/**
 * The objects as translate takes them. Those that do not parse (kept by a former version, say; files and writes are
 * checked at the door) are handed over as invalid.
 */
export function toClusterState(
  { objects, secrets }: Pick<SourceState, 'objects' | 'secrets'>,
  lastGood: LastGood,
  className: string,
): ClusterState {
  const virtualServers = new Map<string, Extract<AnyObject, { kind: 'TcpVirtualServer' }>>();
  const realServers = new Map<string, Extract<AnyObject, { kind: 'RealServer' }>>();
  const matrices = new Map<string, Extract<AnyObject, { kind: 'AppWeightMatrix' }>>();
  const invalid: InvalidObject[] = [];
  for (const given of objects.values()) {
    const key = keyOf(given);
    const result = parseOnce(given);
    if (!result.ok) {
      const created = given.metadata['creationTimestamp'];
      invalid.push({
        kind: given.kind as Kind,
        key,
        generation: given.metadata.generation ?? 1,
        creationTimestamp: typeof created === 'string' ? created : '',
        faults: result.faults.map((fault) => fault.message),
      });
      continue;
    }
    const { object } = result;
    if (object.kind === 'TcpVirtualServer') virtualServers.set(key, object);
    else if (object.kind === 'RealServer') realServers.set(key, object);
    else matrices.set(key, object);
  }
  return { mode: 'Standalone', className, virtualServers, realServers, matrices, invalid, lastGood, secrets };
}

export function keyOf(object: ApiObject): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}

/** Specs that were kept over a restart; what does not parse any more is left out. */
export function lastGoodOf(kept: ReadonlyMap<ObjectId, unknown>): LastGood {
  const virtualServers = new Map();
  const realServers = new Map();
  const matrices = new Map();
  for (const [id, spec] of kept) {
    const [kind = '', key = ''] = id.split(' ');
    const [namespace, name] = key.split('/');
    const result = parseObject({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { namespace, name }, spec });
    if (!result.ok) continue;
    if (result.object.kind === 'TcpVirtualServer') virtualServers.set(key, result.object.spec);
    else if (result.object.kind === 'RealServer') realServers.set(key, result.object.spec);
    else matrices.set(key, result.object.spec);
  }
  return { virtualServers, realServers, matrices };
}

/** What is worth keeping: the last good specs that are not the present ones. */
export function lastGoodToKeep(lastGood: LastGood, state: ClusterState): Map<ObjectId, unknown> {
  const result = new Map<ObjectId, unknown>();
  const collect = (kind: Kind, specs: ReadonlyMap<string, object>, present: ReadonlyMap<string, { spec: object }>) => {
    for (const [key, spec] of specs) {
      const now = present.get(key)?.spec;
      if (now === spec || (now !== undefined && hashOf(now) === hashOf(spec))) continue;
      const [namespace = '', name = ''] = key.split('/');
      result.set(objectId(kind, namespace, name), spec);
    }
  };
  collect('TcpVirtualServer', lastGood.virtualServers, state.virtualServers);
  collect('RealServer', lastGood.realServers, state.realServers);
  collect('AppWeightMatrix', lastGood.matrices, state.matrices);
  return result;
}
