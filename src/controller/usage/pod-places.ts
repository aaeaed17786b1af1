/** Which pods run a workload on which row of a matrix. Pure. */
import type { RealServerSpec } from '../../api/real-server.ts';
import type { MatrixGiven } from '../../learning/profile-book.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import type { EndpointSliceFacts } from '../../translate/cluster-facts.ts';
import type { ClusterState } from '../../translate/cluster-state.ts';
import { selectedNodes } from '../../translate/nodes.ts';

export interface PodPlace {
  readonly matrix: ObjectKey;
  readonly server: ObjectKey;
  readonly workload: string;
  readonly apps: readonly string[];
  /** `namespace/name` of all of them that are ready. */
  readonly pods: readonly string[];
}

/** `given`: the same matrices, as learning knows them. */
export interface PlacedWorld extends Pick<ClusterState, 'matrices' | 'realServers'> {
  readonly cluster: Pick<NonNullable<ClusterState['cluster']>, 'slices' | 'nodes'>;
  readonly given: readonly MatrixGiven[];
}

/**
 * Rows on nodes have the pods of the app's Service that are there, rows of a Service those of it; fixed addresses have none. Services
 * of the matrix' own namespace alone: what other namespaces' pods use is theirs to know. A pod that runs for more than one
 * workload, or in more than one row, says nothing of any of them, nor do its places.
 */
export function podPlaces({ given, matrices, realServers, cluster }: PlacedWorld): PodPlace[] {
  const nodes = new Map<ObjectKey, readonly string[]>();
  const services = new Map<ObjectKey, ReadonlyMap<string, readonly string[]>>();
  const podsOf = (service: ObjectKey): ReadonlyMap<string, readonly string[]> => {
    const pods = services.get(service) ?? byNode(service, cluster.slices.get(service) ?? []);
    services.set(service, pods);
    return pods;
  };
  const podsAt = (key: ObjectKey, app: string, matrix: ObjectKey): readonly string[] => {
    const spec = realServers.get(key)?.spec;
    if (spec === undefined || spec.address !== undefined) return [];
    const namespace = namespaceOf(matrix);
    const ref = spec.serviceRef ?? matrices.get(matrix)?.spec.apps.find(({ name }) => name === app)?.serviceRef;
    if (ref === undefined || (ref.namespace ?? namespace) !== namespace) return [];
    const pods = podsOf(`${namespace}/${ref.name}`);
    if (spec.serviceRef !== undefined) return [...pods.values()].flat();
    const own = nodes.get(key) ?? nodesOf(spec, cluster.nodes);
    nodes.set(key, own);
    return own.flatMap((node) => pods.get(node) ?? []);
  };
  const places = given.flatMap(({ matrix, workloads }) =>
    workloads.flatMap(({ workload, apps, servers }) =>
      servers.flatMap((server): PodPlace[] => {
        const pods = [...new Set(apps.flatMap((app) => podsAt(server, app, matrix)))].toSorted();
        return pods.length === 0 ? [] : [{ matrix, server, workload, apps, pods }];
      }),
    ),
  );
  const placesOf = new Map<string, Set<string>>();
  for (const { matrix, server, workload, pods } of places) {
    for (const pod of pods) placesOf.set(pod, (placesOf.get(pod) ?? new Set()).add(`${matrix} ${server} ${workload}`));
  }
  return places.filter(({ pods }) => pods.every((pod) => placesOf.get(pod)!.size === 1));
}

/** `namespace/name` of a Service's pods that are ready, by node ('': it is not known). */
function byNode(service: ObjectKey, slices: readonly EndpointSliceFacts[]): Map<string, readonly string[]> {
  const pods = slices
    .flatMap(({ endpoints }) => endpoints)
    .flatMap(({ ready, nodeName, podName }) =>
      ready && podName !== undefined ? [{ node: nodeName ?? '', pod: `${namespaceOf(service)}/${podName}` }] : [],
    );
  return new Map([...Map.groupBy(pods, ({ node }) => node)].map(([node, own]) => [node, own.map(({ pod }) => pod)]));
}

function nodesOf({ nodeName, nodeSelector = {} }: RealServerSpec, all: PlacedWorld['cluster']['nodes']) {
  return nodeName === undefined ? selectedNodes(nodeSelector, all).nodes : [nodeName];
}

const namespaceOf = (key: ObjectKey): string => key.slice(0, key.indexOf('/'));
