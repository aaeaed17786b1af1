import { ApiError, isNotFound } from '../kube/api-error.ts';
import type { Api } from '../kube/api.ts';
import { listPages } from '../kube/list-pages.ts';
import { collectionPath, type KubeObject, keyOf, objectPath, type Resource, withoutBallast } from '../kube/resource.ts';
import { type ClusterFacts, emptyFacts } from '../translate/cluster-facts.ts';
import { type ClusterState, emptyState, type TlsSecret } from '../translate/cluster-state.ts';
import { wantedSecrets } from '../translate/secrets.ts';
import { sortObjects, type StoredObject } from '../translate/sort-objects.ts';
import { grantFacts, nodeFacts, serviceRangesOf, tlsSecret } from './facts/cluster.ts';
import { serviceFacts, serviceOf, sliceFacts } from './facts/services.ts';
import { KINDS } from './kinds.ts';
import { GRANTS, NODES, SECRETS, SERVICE_CIDRS, SERVICES, SLICES } from './resources.ts';

/** A cluster as it is at one moment, as far as whoever asks may see it. */
export interface ReadCluster {
  readonly state: ClusterState;
  readonly objects: readonly StoredObject[];
  /** What could not be read, and so is taken not to be there; for people. */
  readonly unread: readonly string[];
}

/**
 * For the commands that look once. `namespace` null: all. The policy of the installation is not looked at: fixed addresses
 * and hosts are taken to be allowed to whoever asks for them. Errors: ApiError, where not even the product's own kinds can
 * be listed.
 */
export async function readCluster(api: Api, className: string, namespace: string | null): Promise<ReadCluster> {
  const unread: string[] = [];
  const list = async (resource: Resource): Promise<KubeObject[]> => {
    const found: KubeObject[] = [];
    const place = CLUSTER_WIDE.has(resource) ? null : namespace;
    await listPages(api, collectionPath(resource, place), { onPage: (page) => found.push(...page) });
    return found;
  };
  const ifAllowed = async (resource: Resource): Promise<KubeObject[]> => {
    try {
      return await list(resource);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A kind that is not installed has no objects.
      if (!isNotFound(error)) unread.push(`${resource.kind}s: ${error.message}`);
      return [];
    }
  };
  const own = await Promise.all(
    Object.values(KINDS).map(async (resource) =>
      (await list(resource)).map((object) => ({ ...withoutBallast(object), kind: resource.kind })),
    ),
  );
  const objects = own.flat() as StoredObject[];
  const [services, slices, nodes, grants, ranges] = await Promise.all(
    [SERVICES, SLICES, NODES, GRANTS, SERVICE_CIDRS].map(ifAllowed),
  );
  const cluster: ClusterFacts = {
    ...emptyFacts,
    services: new Map(services?.map((each) => [keyOf(each), serviceFacts(each)])),
    slices: slicesByService(slices ?? []),
    nodes: new Map(nodes?.map((each) => [keyOf(each), nodeFacts(each)])),
    grants: (grants ?? []).map(grantFacts),
    serviceRanges: serviceRangesOf(ranges ?? []),
    policy: EVERYTHING,
  };
  const sorted = sortObjects(objects);
  const secrets = await readSecrets(api, sorted, cluster, unread);
  return { state: { ...emptyState('Cluster', className), ...sorted, cluster, secrets }, objects, unread };
}

const CLUSTER_WIDE: ReadonlySet<Resource> = new Set([NODES, SERVICE_CIDRS]);

const EVERYTHING: ClusterFacts['policy'] = {
  hostPolicy: [],
  addressPolicy: [{ namespaces: ['*'], cidrs: ['0.0.0.0/0', '::/0'], dnsSuffixes: ['*'] }],
};

function slicesByService(slices: readonly KubeObject[]): ClusterFacts['slices'] {
  const owned = slices.flatMap((slice) => {
    const service = serviceOf(slice);
    return service === null ? [] : [{ service, facts: sliceFacts(slice) }];
  });
  const groups = Map.groupBy(owned, ({ service }) => service);
  return new Map([...groups].map(([service, group]) => [service, group.map(({ facts }) => facts)]));
}

async function readSecrets(
  api: Api,
  { virtualServers, realServers }: Pick<ClusterState, 'virtualServers' | 'realServers'>,
  { grants }: ClusterFacts,
  unread: string[],
): Promise<ReadonlyMap<string, TlsSecret>> {
  const objects = [...virtualServers.values(), ...realServers.values()];
  const keys = new Set(objects.flatMap((object) => wantedSecrets(object, grants)));
  const secrets = new Map<string, TlsSecret>();
  for (const key of keys) {
    const [namespace = '', name = ''] = key.split('/');
    try {
      // Few, and rarely.
      secrets.set(key, tlsSecret(await api.call<KubeObject>('GET', objectPath(SECRETS, namespace, name))));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!isNotFound(error)) unread.push(`Secret ${key}: ${error.message}`);
    }
  }
  return secrets;
}
