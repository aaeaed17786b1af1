/**
 * The distribution of scenarios, fixed before any policy was run on it (SCENARIOS.md says so, and what must not be done). A
 * scenario is a document as a problem file has it, with rates in proportion, and what is true beside it.
 */
import { type Random, seededRandom } from '../../../src/placement/random.ts';
import type { Sizes } from '../../../src/simulation/arrivals.ts';
import type { ColumnDocument, Document, WorkloadDocument } from '../instances.ts';

export interface Scenario {
  readonly number: number;
  /** No conflicts, no growth of costs by concurrency: a quarter of all. */
  readonly plain: boolean;
  /** Rates are proportions; the largest demand that can be served sets their scale (`reference.ts`). */
  readonly document: Document;
  /** kappa of all hosts. */
  readonly kappa: number;
  /** Requests of a neighbour at which its pressure is felt in full; 0: as soon as it runs there, as the model takes it. */
  readonly pressureAt: number;
  /** Requests that one instance works on at once. */
  readonly accepts: number;
  readonly sizes: Sizes;
}

/** Those of the evaluation: 1 to 100. From 1001 on: for development, never reported. */
export const SCENARIOS = 100;
export const DEVELOPMENT = 1001;
/** Seeds of a scenario's runs: 1 to 10. From 1001 on: those that fixed caps are tuned with. */
export const SEEDS = 10;
export const TUNING = 1001;
/** Offered load as a part of the reference. */
export const LOADS = [0.5, 0.8, 1, 1.2, 1.5] as const;
/** Seconds in which requests come, and of those the first ones that are not counted. */
export const SECONDS = 300;
export const WARM_UP = 30;
/** Seconds that a client waits: httperf's, in the paper. */
export const TIMEOUT = 5;

const CPU = [1, 1.6, 2.4, 3];
/** Seconds of a usual disk per second. */
const IO = [0.6, 1, 1.6, 2];
const MEMORY = [1, 2, 3, 4];
const REQUEST = [0.4, 0.8, 1.2, 1.6];
const BETA = [0.4, 0.6, 0.8];
const RESOURCES = ['cpu', 'io'] as const;

export function scenario(number: number): Scenario {
  const random = seededRandom(number * 7919 + 101);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const plain = number % 4 === 0;
  const hosts = Array.from({ length: 3 + Math.floor(4 * random()) }, (_, at) => ({
    name: `h${at}`,
    capacity: { cpu: pick(CPU), io: pick(IO) },
    memory: pick(MEMORY),
  }));
  const memory = hosts.reduce((sum, each) => sum + each.memory, 0);
  const beta = pick(BETA);
  const workloads: WorkloadDocument[] = [];
  for (let used = 0; used < beta * memory || workloads.length < 3;) {
    workloads.push({ name: `w${workloads.length}`, memory: pick(REQUEST), minInstances: 1 });
    used += workloads.at(-1)!.memory;
  }
  const scale = between(random, 0.15, 0.6);
  const columns = workloads.flatMap((workload) => columnsOf(workload, scale, plain, random));
  const exponent = pick([0, 0.7, 2.16]);
  const order = columns.map((_, at) => ({ at, key: random() })).toSorted((a, b) => a.key - b.key);
  for (const [rank, { at }] of order.entries()) {
    columns[at]!.rate = exponent === 0 ? 0.05 + random() : (rank + 1) ** -exponent;
  }
  return {
    number,
    plain,
    document: { hosts, workloads, columns },
    kappa: plain ? 0 : between(random, 0.001, 0.02),
    pressureAt: pick([0, 2]),
    accepts: pick([32, 64, 128]),
    sizes: pick(['fixed', 'exponential', 'mixed']),
  };
}

/** One dominant resource per workload, one or two classes of requests, conflicts of rank 2: as `instances.ts` has them. */
function columnsOf(workload: WorkloadDocument, scale: number, plain: boolean, random: Random): ColumnDocument[] {
  const dominant = Math.floor(random() * 2);
  const other = Math.floor(random() * 2);
  const sensitivity = { [RESOURCES[other]!]: random() * 0.2, [RESOURCES[dominant]!]: random() * 0.5 };
  const pressure = Object.fromEntries(RESOURCES.map((name) => [name, random() < 0.5 ? random() : 0]));
  if (!plain) Object.assign(workload, { sensitivity, pressure });
  return Array.from({ length: 1 + Math.floor(random() * 2) }, (_, k) => ({
    name: `${workload.name}-${k}`,
    workload: workload.name,
    rate: 0,
    cost: Object.fromEntries(
      RESOURCES.map((name, r) => [name, scale * (r === dominant ? 1 : random() * 0.4) * (0.5 + random())]),
    ),
  }));
}

/** Uniform on a logarithmic scale. */
function between(random: Random, low: number, high: number): number {
  return low * (high / low) ** random();
}
