/** A matrix' workloads and hosts as they are seen in the cluster. Pure. */
import type { AppWeightMatrixSpec } from '../../api/app-weight-matrix.ts';
import type { ObjectKey } from '../../model/snapshot.ts';
import type { HostSeen, InstanceSeen, Seen, WhyNot, WorkloadSeen } from '../../model/workloads.ts';
import type { ClusterState } from '../../translate/cluster-state.ts';
import type { DeploymentFacts, NodePlace, PodFacts } from '../facts/workloads.ts';

export interface ClusterViews {
  readonly deployments: ReadonlyMap<ObjectKey, DeploymentFacts>;
  readonly pods: ReadonlyMap<ObjectKey, PodFacts>;
  /** By key of an autoscaler, what it scales. */
  readonly scalers: ReadonlyMap<ObjectKey, string>;
  readonly nodes: ReadonlyMap<string, NodePlace>;
  readonly realServers: ClusterState['realServers'];
  /** By `namespace/name` of a Deployment, the matrix whose it is to manage. */
  readonly managers: ReadonlyMap<string, ObjectKey>;
}

export type Known = Omit<Seen, 'now'>;

/** Fewest instances where the object does not say. */
const LEAST = 2;
const MOST = 100_000;

/** @param fieldManager who we are when we scale */
export function seenCluster(
  matrix: ObjectKey,
  spec: AppWeightMatrixSpec,
  views: ClusterViews,
  fieldManager: string,
): Known {
  const namespace = matrix.slice(0, matrix.indexOf('/') + 1);
  const rows = rowsByNode(spec, namespace, views);
  const names = [...new Set(spec.apps.flatMap(({ workloadRef }) => workloadRef?.name ?? []))];
  const instances = new Map(names.map((name) => [name, [] as InstanceSeen[]]));
  const others = new Map<string, { memory: number; pods: number }>();
  for (const [key, pod] of views.pods) {
    const own = key.startsWith(namespace) && pod.workload !== null ? instances.get(pod.workload) : undefined;
    if (own !== undefined) own.push(instanceOf(key.slice(namespace.length), pod, rows));
    else if (pod.node !== null && pod.memory > 0) addTo(others, pod.node, pod.memory);
  }
  const hosts = new Map(
    [...rows].map(([node, row]): [string, HostSeen] => {
      const { memory, pods, isReady } = views.nodes.get(node)!;
      const used = others.get(node) ?? { memory: 0, pods: 0 };
      return [row, { node, memory: memory - used.memory, pods: pods - used.pods, isReady }];
    }),
  );
  const workloads = names.map((name): [string, WorkloadSeen] => [
    name,
    workloadSeen(name, instances.get(name)!, { spec, namespace, views, matrix, fieldManager }),
  ]);
  return { hosts, workloads: new Map(workloads) };
}

/**
 * Cores that pods request which are none of the workloads of the namespace's matrices, by node. Those of other namespaces count with
 * what they request, whatever they serve: what they use is theirs to know.
 */
export function reservedCores(
  namespace: string,
  pods: ClusterViews['pods'],
  matrices: ClusterState['matrices'],
): Map<string, number> {
  const own = new Set(
    [...matrices].flatMap(([key, { spec }]) =>
      key.startsWith(namespace) ? spec.apps.flatMap(({ workloadRef }) => workloadRef?.name ?? []) : [],
    ),
  );
  const cores = new Map<string, number>();
  for (const [key, { node, workload, cpu }] of pods) {
    if (node === null || cpu === 0) continue;
    if (key.startsWith(namespace) && workload !== null && own.has(workload)) continue;
    cores.set(node, (cores.get(node) ?? 0) + cpu);
  }
  return cores;
}

/** By node, the row that stands for it. */
function rowsByNode({ rows }: AppWeightMatrixSpec, namespace: string, { nodes, realServers }: ClusterViews) {
  return new Map(
    rows.flatMap(({ server }): [string, string][] => {
      const node = realServers.get(`${namespace}${server}`)?.spec.nodeName;
      return node !== undefined && nodes.has(node) ? [[node, server]] : [];
    }),
  );
}

function addTo(sums: Map<string, { memory: number; pods: number }>, node: string, memory: number): void {
  const sum = sums.get(node);
  if (sum === undefined) sums.set(node, { memory, pods: 1 });
  else {
    sum.memory += memory;
    sum.pods++;
  }
}

function instanceOf(name: string, pod: PodFacts, rows: ReadonlyMap<string, string>): InstanceSeen {
  const { version, node, wish, gate, isReady, isGoing, cost } = pod;
  return {
    pod: name,
    version,
    host: node === null ? null : (rows.get(node) ?? null),
    wish: node !== null || wish === null ? null : (rows.get(wish) ?? null),
    isGated: gate !== null,
    isReady,
    isGoing,
    cost,
  };
}

interface Around {
  readonly spec: AppWeightMatrixSpec;
  readonly namespace: string;
  readonly views: ClusterViews;
  readonly matrix: ObjectKey;
  readonly fieldManager: string;
}

function workloadSeen(name: string, instances: readonly InstanceSeen[], around: Around): WorkloadSeen {
  const { spec, namespace, views } = around;
  const apps = spec.apps.filter(({ workloadRef }) => workloadRef?.name === name);
  const own = new Set(apps.map((app) => app.name));
  const deployment = views.deployments.get(`${namespace}${name}`);
  const least = Math.max(...apps.map(({ minInstances = LEAST }) => minInstances));
  return {
    name,
    replicas: deployment?.replicas ?? 0,
    least,
    most: Math.max(least, Math.min(...apps.map(({ maxInstances = MOST }) => maxInstances))),
    memory: deployment?.memory ?? 0,
    notOn: new Set(
      spec.rows.flatMap(({ server, weights }) =>
        weights.some(({ app, weight }) => weight === 0 && own.has(app)) ? [server] : [],
      ),
    ),
    startSeconds: Math.max(...apps.map(({ startSeconds = 0 }) => startSeconds)),
    isSettled: deployment?.isSettled ?? false,
    whyNot: whyNotOf(name, apps, around),
    instances,
  };
}

const unfit = (message: string): WhyNot => ({ reason: 'WorkloadUnfit', message });

function whyNotOf(
  name: string,
  apps: AppWeightMatrixSpec['apps'],
  { namespace, views, matrix, fieldManager }: Around,
): WhyNot | null {
  const key = `${namespace}${name}`;
  const other = apps.find(({ workloadRef }) => workloadRef?.kind !== 'Deployment');
  if (other !== undefined) {
    return unfit(`${other.workloadRef?.kind ?? ''} ${key}: only of a Deployment can it be said which instance goes`);
  }
  const deployment = views.deployments.get(key);
  if (deployment === undefined) return unfit(`Deployment ${key} does not exist`);
  if (deployment.memory === null) {
    return unfit(
      `Deployment ${key}: its pods request no memory, so it is not known where they fit: give resources.requests.memory`,
    );
  }
  const manager = views.managers.get(key);
  if (manager !== undefined && manager !== matrix) {
    return unfit(
      `Deployment ${key} is managed by the older AppWeightMatrix ${manager}: name it in one of the two alone`,
    );
  }
  const scaler = [...views.scalers].find(([at, target]) => at.startsWith(namespace) && target === `Deployment/${name}`);
  if (scaler !== undefined) {
    return {
      reason: 'ScaledByOthers',
      message: `HorizontalPodAutoscaler ${scaler[0]} scales Deployment ${key}: delete one of the two`,
    };
  }
  const owner = deployment.owners.find((each) => each !== fieldManager);
  if (owner === undefined) return null;
  return {
    reason: 'ScaledByOthers',
    message: `spec.replicas of Deployment ${key} belongs to the field manager ${owner}: leave it out of what that one applies`,
  };
}
