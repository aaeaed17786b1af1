/**
 * Random problems (placement.md 6, after Kimbrel et al. 2005 and Tang et al. 2007), the same for the same seed. They are
 * documents as a problem file has them, so that whoever checks an answer reads the question itself.
 */
import { type Random, seededRandom } from '../../src/placement/random.ts';

export interface InstanceOptions {
  readonly seed: number;
  readonly hosts: number;
  /** CPU demand as a part of the hosts' capacity. */
  readonly alpha: number;
  /** Memory of one instance of each app as a part of the hosts' memory: it sets the number of apps. */
  readonly beta: number;
  readonly demand: Demand;
  /** Four resources, request classes, conflicts and growth by concurrency, in place of cpu and memory alone. */
  readonly vector?: boolean;
  /** Overrides what beta would give. */
  readonly apps?: number;
}

/** Uniform, or by rank to the power of -exponent. */
export type Demand = 'uniform' | { readonly exponent: number };

/** A problem file's content; amounts as numbers. */
export interface Document {
  hosts: HostDocument[];
  workloads: WorkloadDocument[];
  columns: ColumnDocument[];
  conflicts?: { workload: string; with: string; resource: string; factor: number }[];
  kappa?: Record<string, number>;
  current?: { host: string; workload: string; instances: number }[];
  load?: { host: string; column: string; rate: number; weight?: number | null; cap?: number | null }[];
  options?: Record<string, number | boolean>;
}

export interface HostDocument {
  name: string;
  capacity: Record<string, number>;
  memory: number;
  concurrency?: number;
  pods?: number;
}

export interface WorkloadDocument {
  name: string;
  memory: number;
  idle?: Record<string, number>;
  sensitivity?: Record<string, number>;
  pressure?: Record<string, number>;
  pressureRate?: number;
  minInstances?: number;
  maxInstances?: number;
  maxPerHost?: number;
  hosts?: string[];
  apart?: string[];
}

export interface ColumnDocument {
  name: string;
  workload: string;
  rate: number;
  cost: Record<string, number>;
  value?: number;
  seconds?: number;
  concurrency?: number;
}

const CPU = [1, 1.6, 2.4, 3];
const MEMORY = [1, 2, 3, 4];
const REQUEST = [0.4, 0.8, 1.2, 1.6];
const RESOURCES = ['cpu', 'io', 'net', 'lock'];
/** Core-seconds of a request: 8 ms. */
const COST = 0.008;

export function instance(options: InstanceOptions): Document {
  const random = seededRandom(options.seed * 7919 + 17);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const resources = options.vector === true ? RESOURCES : ['cpu'];
  const hosts = Array.from({ length: options.hosts }, (_, at): HostDocument => {
    const capacity = Object.fromEntries(resources.map((resource) => [resource, pick(CPU)]));
    return { name: `h${at}`, capacity, memory: pick(MEMORY) };
  });
  const memory = hosts.reduce((sum, each) => sum + each.memory, 0);
  const requests: number[] = [];
  for (let used = 0; options.apps === undefined ? used < options.beta * memory : requests.length < options.apps;) {
    requests.push(pick(REQUEST));
    used += requests.at(-1)!;
  }
  const workloads = requests.map((request, at): WorkloadDocument => ({ name: `w${at}`, memory: request }));
  const document: Document = { hosts, workloads, columns: [] };
  if (options.vector === true) addVectors(document, random);
  else document.columns = workloads.map(({ name }) => ({ name, workload: name, rate: 0, cost: { cpu: COST } }));
  setDemand(document, options, random);
  return document;
}

/**
 * One dominant resource per app and one or two classes of requests; conflicts of rank 2 (a resource that two kinds of apps
 * contend for), growth by concurrency; a quarter of all problems have neither.
 */
function addVectors(document: Document, random: Random): void {
  const plain = random() < 0.25;
  for (const host of document.hosts) if (!plain) host.concurrency = 32 + Math.floor(random() * 97);
  document.kappa = { default: plain ? 0 : random() * 0.004 };
  for (const workload of document.workloads) {
    const dominant = Math.floor(random() * RESOURCES.length);
    if (!plain) {
      const [x, y] = [RESOURCES[dominant]!, RESOURCES[Math.floor(random() * RESOURCES.length)]!];
      workload.sensitivity = { [x]: random() * 0.5, [y]: random() * 0.2 };
      workload.pressure = Object.fromEntries(RESOURCES.map((resource) => [resource, random() < 0.5 ? random() : 0]));
      workload.idle = { cpu: 0.01 };
    }
    const classes = 1 + Math.floor(random() * 2);
    for (let k = 0; k < classes; k++) {
      const cost = Object.fromEntries(
        RESOURCES.map((name, r) => [name, COST * (r === dominant ? 1 : random() * 0.4) * (0.5 + random())]),
      );
      document.columns.push({ name: `${workload.name}-${k}`, workload: workload.name, rate: 0, cost });
    }
  }
}

/** Rates such that the scarcest resource is asked for alpha times its capacity. */
export function setDemand(
  document: Document,
  options: Pick<InstanceOptions, 'alpha' | 'demand'>,
  random: Random,
): void {
  const { hosts, columns } = document;
  const order = columns.map((_, at) => at).toSorted(() => random() - 0.5);
  for (const [rank, at] of order.entries()) {
    const column = columns[at]!;
    column.rate = options.demand === 'uniform' ? random() : (rank + 1) ** -options.demand.exponent;
  }
  const resources = Object.keys(hosts[0]!.capacity);
  const loads = resources.map((resource) => {
    const used = columns.reduce((sum, { rate, cost }) => sum + rate * (cost[resource] ?? 0), 0);
    return used / hosts.reduce((sum, { capacity }) => sum + capacity[resource]!, 0);
  });
  const scale = options.alpha / Math.max(...loads);
  for (const column of columns) column.rate *= scale;
}
