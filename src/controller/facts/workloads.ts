/** Deployments, pods, autoscalers and nodes as far as instances are managed. Pure. */
import type { KubeObject } from '../../kube/resource.ts';
import { parseQuantity } from '../../placement/problem/quantity.ts';

/** Pods of a template that has it wait until we have chosen their host. */
export const GATE = 'tcpvs.io/placement';
export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';

export interface DeploymentFacts {
  readonly replicas: number;
  /** Bytes that one pod requests; null: it requests none. */
  readonly memory: number | null;
  /** All its pods are of the present version. */
  readonly isSettled: boolean;
  /** Field managers of spec.replicas, as far as they have asked for a number. */
  readonly owners: readonly string[];
}

export interface PodFacts {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Name of the Deployment; null: of something else. */
  readonly workload: string | null;
  readonly version: string;
  readonly node: string | null;
  readonly addresses: readonly string[];
  /** Node that is preferred since we opened the gate. */
  readonly wish: string | null;
  /** Place of our gate among the pod's; null: it has it no more. */
  readonly gate: number | null;
  readonly isReady: boolean;
  readonly isGoing: boolean;
  readonly cost: number | null;
  /** What it requests: bytes, cores. */
  readonly memory: number;
  readonly cpu: number;
  /** What a patch has to add to. */
  readonly affinity: 'None' | 'NoNode' | 'NoPreferred' | 'Preferred';
}

export interface NodePlace {
  readonly memory: number;
  readonly pods: number;
  /** Takes new pods. */
  readonly isReady: boolean;
}

interface PodSpec {
  readonly nodeName?: string;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly overhead?: Amounts;
  readonly schedulingGates?: readonly { readonly name: string }[];
  readonly affinity?: {
    readonly nodeAffinity?: { readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly Preferred[] };
  };
}

interface Container {
  readonly restartPolicy?: string;
  readonly resources?: { readonly requests?: Amounts };
}

type Requested = 'memory' | 'cpu';
type Amounts = { readonly [resource in Requested]?: string };

interface Preferred {
  readonly preference?: { readonly matchFields?: readonly { readonly values?: readonly string[] }[] };
}

export function deploymentFacts({ metadata, spec, status }: KubeObject): DeploymentFacts {
  const {
    replicas = 1,
    paused = false,
    template,
  } = (spec ?? {}) as {
    replicas?: number;
    paused?: boolean;
    template?: { spec?: PodSpec };
  };
  const {
    observedGeneration = 0,
    replicas: there = 0,
    updatedReplicas = 0,
  } = (status ?? {}) as { observedGeneration?: number; replicas?: number; updatedReplicas?: number };
  const memory = requestOf(template?.spec ?? {}, 'memory');
  return {
    replicas,
    memory: memory > 0 ? memory : null,
    isSettled: !paused && observedGeneration >= (metadata.generation ?? 0) && updatedReplicas === there,
    owners: isDefault(metadata, replicas) ? appliersOf(metadata) : ownersOf(metadata).map(({ manager }) => manager),
  };
}

interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly subresource: string;
}

function ownersOf(metadata: KubeObject['metadata']): Owner[] {
  const fields = (metadata['managedFields'] ?? []) as readonly (Partial<Owner> & {
    readonly fieldsV1?: { readonly 'f:spec'?: Readonly<Record<string, unknown>> };
  })[];
  return fields.flatMap(({ manager = '', operation = '', subresource = '', fieldsV1 }) =>
    fieldsV1?.['f:spec']?.['f:replicas'] === undefined ? [] : [{ manager, operation, subresource }],
  );
}

/**
 * Who makes a Deployment without a number owns the default, unless it is by server-side apply: a 1 that nobody has scaled to says
 * nothing, then. What `kubectl apply` was given, it has written down.
 */
function isDefault({ annotations = {}, ...metadata }: KubeObject['metadata'], replicas: number): boolean {
  const applied = annotations['kubectl.kubernetes.io/last-applied-configuration'];
  const isScaled = ownersOf(metadata).some(({ subresource }) => subresource !== '');
  return replicas === 1 && !isScaled && (applied === undefined || !givesReplicas(applied));
}

function givesReplicas(applied: string): boolean {
  try {
    return (JSON.parse(applied) as { spec?: { replicas?: unknown } }).spec?.replicas !== undefined;
  } catch {
    // Not kubectl's: whoever wrote it may have meant anything.
    return true;
  }
}

function appliersOf(metadata: KubeObject['metadata']): string[] {
  return ownersOf(metadata).flatMap(({ manager, operation }) => (operation === 'Apply' ? [manager] : []));
}

export function podFacts({ metadata, spec, status }: KubeObject): PodFacts {
  const { nodeName, schedulingGates = [], affinity, ...rest } = (spec ?? {}) as PodSpec;
  const {
    phase,
    conditions = [],
    podIPs = [],
  } = (status ?? {}) as {
    phase?: string;
    conditions?: readonly { type: string; status: string }[];
    podIPs?: readonly { ip: string }[];
  };
  const version = metadata.labels?.['pod-template-hash'] ?? '';
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const isOurs = version !== '' && owner?.kind === 'ReplicaSet' && owner.name.endsWith(`-${version}`);
  const gate = schedulingGates.findIndex(({ name }) => name === GATE);
  const preferred = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  const isOver = phase === 'Failed' || phase === 'Succeeded';
  const cost = Number(metadata.annotations?.[DELETION_COST] ?? Number.NaN);
  return {
    uid: metadata.uid ?? '',
    resourceVersion: gate === -1 ? '' : (metadata.resourceVersion ?? ''),
    // What has ended is nobody's instance, and takes no memory.
    workload: isOurs && !isOver ? owner.name.slice(0, -version.length - 1) : null,
    version,
    node: nodeName ?? null,
    addresses: podIPs.map(({ ip }) => ip),
    wish: preferred?.at(-1)?.preference?.matchFields?.[0]?.values?.[0] ?? null,
    gate: gate === -1 ? null : gate,
    isReady: conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    isGoing: metadata.deletionTimestamp !== undefined,
    cost: Number.isFinite(cost) ? cost : null,
    memory: isOver ? 0 : requestOf(rest, 'memory'),
    cpu: isOver ? 0 : requestOf(rest, 'cpu'),
    affinity:
      affinity === undefined
        ? 'None'
        : affinity.nodeAffinity === undefined
          ? 'NoNode'
          : preferred === undefined
            ? 'NoPreferred'
            : 'Preferred',
  };
}

/** As the scheduler counts it. */
function requestOf({ containers = [], initContainers = [], overhead }: PodSpec, resource: Requested): number {
  const amount = (amounts: Amounts | undefined): number => parseQuantity(amounts?.[resource] ?? '0') ?? 0;
  const own = ({ resources }: Container): number => amount(resources?.requests);
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always');
  const steady = [...containers, ...sidecars].reduce((sum, each) => sum + own(each), 0);
  return Math.max(steady, ...initContainers.map(own)) + amount(overhead);
}

/** What an autoscaler scales: `Deployment/NAME`. */
export function scalerTarget({ spec }: KubeObject): string {
  const { scaleTargetRef } = (spec ?? {}) as { scaleTargetRef?: { kind?: string; name?: string } };
  return `${scaleTargetRef?.kind ?? ''}/${scaleTargetRef?.name ?? ''}`;
}

export function nodePlace({ spec, status }: KubeObject): NodePlace {
  const { unschedulable = false, taints = [] } = (spec ?? {}) as {
    unschedulable?: boolean;
    taints?: readonly { effect: string }[];
  };
  const { allocatable, conditions = [] } = (status ?? {}) as {
    allocatable?: { memory?: string; pods?: string };
    conditions?: readonly { type: string; status: string }[];
  };
  const isUp = conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  return {
    memory: parseQuantity(allocatable?.memory ?? '') ?? 0,
    pods: parseQuantity(allocatable?.pods ?? '') ?? 0,
    isReady: isUp && !unschedulable && taints.every(({ effect }) => effect === 'PreferNoSchedule'),
  };
}
