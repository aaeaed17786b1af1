import type { ApiObject } from '../admin/contract.ts';
import { parseObject } from '../api/parse.ts';
import type { Kind } from '../model/status.ts';
import type { ClusterState, LastGood } from '../translate/cluster-state.ts';
import { sortObjects } from '../translate/sort-objects.ts';
import { hashOf, objectId, type ObjectId } from './objects.ts';
import type { SourceState } from './source.ts';

/** The objects as translate takes them. */
export function toClusterState(
  { objects, secrets }: Pick<SourceState, 'objects' | 'secrets'>,
  lastGood: LastGood,
  className: string,
): ClusterState {
  return { mode: 'Standalone', className, ...sortObjects(objects.values()), lastGood, secrets };
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
