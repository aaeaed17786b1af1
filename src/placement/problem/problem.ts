/**
 * A placement problem as plain data: hosts, workloads, columns (request classes), what runs now. All numbers are in base
 * units: cores, bytes, bytes per second, requests per second, seconds. It is what a problem file says, and what a
 * controller would put together from its objects and measurements.
 */

/** Amounts by resource: `{cpu: 0.008, io: 4096}`. */
export type Amounts = Readonly<Record<string, number>>;

export interface Problem {
  readonly hosts: readonly HostSpec[];
  readonly workloads: readonly WorkloadSpec[];
  readonly columns: readonly ColumnSpec[];
  readonly conflicts: readonly ConflictSpec[];
  /** Growth of a request's cost per further request in flight on its host, by host class; `default` for the others. */
  readonly kappa: Amounts;
  /** Instances that run now; null: nothing is known to run, and starts cost nothing. */
  readonly current: readonly InstanceSpec[] | null;
  /** Loads, weights and caps in force; the result of an optimisation may be given back as it is. */
  readonly load: readonly LoadSpec[];
  readonly options: OptionsSpec;
}

export interface HostSpec {
  readonly name: string;
  /** Which kappa holds. */
  readonly class: string;
  /** Per second: cores, bytes/s. What pods that are not ours request is taken off already. */
  readonly capacity: Amounts;
  /** Bytes; Infinity: no bound. */
  readonly memory: number;
  /** Most instances; Infinity: no bound. */
  readonly pods: number;
  /** N_h: the most requests in flight that the host is planned with; null: no cap, and no growth of costs. */
  readonly concurrency: number | null;
}

export interface WorkloadSpec {
  readonly name: string;
  /** Bytes per instance, reserved whether it serves or not. */
  readonly memory: number;
  /** Use of an instance that serves nothing. */
  readonly idle: Amounts;
  /** How much more a request costs beside a neighbour of pressure 1, by resource. */
  readonly sensitivity: Amounts;
  readonly pressure: Amounts;
  /** Requests/s on one host from which on the pressure is felt in full; null: from the first instance on. */
  readonly pressureRate: number | null;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Most instances on one host. */
  readonly maxPerHost: number;
  /** Where it may run; null: everywhere. */
  readonly hosts: readonly string[] | null;
  /** Workloads that may not share a host with it. */
  readonly apart: readonly string[];
  readonly startSeconds: number;
}

export interface ColumnSpec {
  readonly name: string;
  readonly workload: string;
  /** Arrivals per second, shed and failed ones included. */
  readonly rate: number;
  /** Of one request at low concurrency: core-seconds, bytes. */
  readonly cost: Amounts;
  /** Worth of one request; null: its dominant share of a mean host. */
  readonly value: number | null;
  /** Response time in the planned state, for Little's law; null: no profile, no cap. */
  readonly seconds: number | null;
  /** N*: the number of requests in flight on one host at which throughput peaks; null: not known. */
  readonly concurrency: number | null;
}

/** chi[workload][with][resource], in place of sensitivity * pressure. */
export interface ConflictSpec {
  readonly workload: string;
  readonly with: string;
  readonly resource: string;
  readonly factor: number;
}

export interface InstanceSpec {
  readonly host: string;
  readonly workload: string;
  readonly instances: number;
}

export interface LoadSpec {
  readonly host: string;
  readonly column: string;
  readonly rate: number;
  readonly weight: number | null;
  /** Most requests in flight; absent or null: no cap. Nothing that is solved: what runs is simulated with it. */
  readonly cap?: number | null;
}

export interface OptionsSpec {
  /** tau: price of a start or a stop, as a fraction of a mean host's value. */
  readonly changeCost: number;
  /** Part of the capacity that is planned with; the only safety margin. */
  readonly utilization: number;
  /** Every column is served at least s of its demand, with the largest s that can be had, before the sum is raised. */
  readonly fairness: boolean;
  /** Most starts and stops in one plan; Infinity: no bound. */
  readonly maxChanges: number;
}
