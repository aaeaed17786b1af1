/** What is seen of a matrix' hosts and workloads: plain data, as the cluster tells it. */

export interface Seen {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** By the names of the matrix' rows. */
  readonly hosts: ReadonlyMap<string, HostSeen>;
  readonly workloads: ReadonlyMap<string, WorkloadSeen>;
}

export interface HostSeen {
  /** Name of the node. */
  readonly node: string;
  /** Bytes for instances of the matrix: what may be allocated, less what other pods request. */
  readonly memory: number;
  /** The same for the number of pods. */
  readonly pods: number;
  /** Takes new pods. */
  readonly isReady: boolean;
}

export interface WorkloadSeen {
  readonly name: string;
  /** Instances that are asked for. */
  readonly replicas: number;
  readonly least: number;
  readonly most: number;
  /** Bytes that an instance requests. */
  readonly memory: number;
  /** Hosts where it is not to be. */
  readonly notOn: ReadonlySet<string>;
  /** Seconds from start to ready, as far as the object says. */
  readonly startSeconds: number;
  /** No new version of it is being rolled out. */
  readonly isSettled: boolean;
  /** Why its instances are not ours to change; null: they are. */
  readonly whyNot: WhyNot | null;
  readonly instances: readonly InstanceSeen[];
}

/** Why instances are not managed although it is asked for: a word, and for people what to do. */
export interface WhyNot {
  readonly reason: 'ScaledByOthers' | 'WorkloadUnfit' | 'WorkloadsUnknown' | 'NotPermitted';
  readonly message: string;
}

export interface InstanceSeen {
  /** Name of the pod. */
  readonly pod: string;
  /** Which version of the workload it is of. */
  readonly version: string;
  /** The row whose node it is on; null: on none yet, or on another node. */
  readonly host: string | null;
  /** Row whose node it was asked to be put on. */
  readonly wish: string | null;
  /** Waits for its scheduling gate to be opened. */
  readonly isGated: boolean;
  readonly isReady: boolean;
  /** Is being deleted. */
  readonly isGoing: boolean;
  /** `controller.kubernetes.io/pod-deletion-cost`; null: none is given. */
  readonly cost: number | null;
}

/** What the proxies say: for a workload's cells on a host. */
export interface Served {
  /** Every proxy sends nothing new there. */
  isQuiesced(host: string, workload: string): boolean;
  /** Requests in flight; null: not known. */
  inFlight(host: string, workload: string): number | null;
}

/** Instances by workload and host. */
export type Places = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Where a workload's instances are, those on their way out left aside. */
export function hostsOf(workload: WorkloadSeen): ReadonlyMap<string, number> {
  const hosts = new Map<string, number>();
  for (const { host } of staying(workload)) if (host !== null) hosts.set(host, (hosts.get(host) ?? 0) + 1);
  return hosts;
}

/** Those that count: they are not on their way out. */
export function staying({ instances }: WorkloadSeen): readonly InstanceSeen[] {
  return instances.filter(({ isGoing }) => !isGoing);
}

/** Those that take work: ready, and on a host of the matrix. */
export function serving(workload: WorkloadSeen): readonly InstanceSeen[] {
  return staying(workload).filter(({ isReady, host }) => isReady && host !== null);
}

/** Where it is, or was asked to be. */
export function placeOf({ host, wish }: InstanceSeen): string | null {
  return host ?? wish;
}
