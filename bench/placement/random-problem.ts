/**
 * Small problems of every kind, for the checker: bounds of all sorts, conflicts by pair, by factors and by load, growth by
 * concurrency, too much and too little demand; and the same cluster some time later, with other demands, hosts that are
 * smaller or gone, and what runs now.
 */
import { type Random, seededRandom } from '../../src/placement/random.ts';
import type { Answer } from './checker.ts';
import type { ColumnDocument, Document, HostDocument, WorkloadDocument } from './instances.ts';

const RESOURCES = ['cpu', 'io', 'net'];

export function randomProblem(seed: number): Document {
  const random = seededRandom(seed * 2_654_435_761);
  const resources = RESOURCES.slice(0, 1 + Math.floor(3 * random() * random()));
  const hosts = Array.from({ length: 1 + Math.floor(8 * random()) }, (_, at): HostDocument =>
    hostOf(at, resources, random),
  );
  const workloads = Array.from({ length: 1 + Math.floor(10 * random()) }, (_, at) =>
    workloadOf(at, resources, hosts, random),
  );
  for (const each of workloads) {
    if (random() < 0.1)
      each.apart = [workloads[Math.floor(random() * workloads.length)]!.name].filter((n) => n !== each.name);
  }
  const columns = workloads.flatMap((workload) => columnsOf(workload, resources, random));
  scale(hosts, columns, 0.3 + 1.2 * random());
  const document: Document = { hosts, workloads, columns, kappa: { default: random() < 0.5 ? 0 : 0.004 * random() } };
  if (random() < 0.3) {
    document.conflicts = workloads.flatMap(({ name }) => {
      const other = workloads[Math.floor(random() * workloads.length)]!.name;
      return [{ workload: name, with: other, resource: resources[0]!, factor: random() }];
    });
  }
  document.options = {
    utilization: random() < 0.5 ? 1 : 0.5 + 0.5 * random(),
    fairness: random() < 0.7,
    changeCost: random() < 0.3 ? 0 : 0.05 * random(),
    ...(random() < 0.1 ? { maxChanges: Math.floor(4 * random()) } : {}),
  };
  return document;
}

/** What runs is what the answer says; the world has moved on. */
export function later(document: Document, answer: Answer, seed: number): Document {
  const random = seededRandom(seed * 40_503 + 11);
  const next = structuredClone(document);
  next.current = answer.instances.map(({ host, workload, count }) => ({ host, workload, instances: count }));
  next.load = answer.load.map(({ host, column, rate, weight }) => ({ host, column, rate, weight }));
  for (const column of next.columns) column.rate *= random() < 0.1 ? 3 * random() : 0.7 + 0.6 * random();
  for (const host of next.hosts) {
    if (random() < 0.1) host.memory *= random();
    if (random() < 0.1) for (const resource of Object.keys(host.capacity)) host.capacity[resource]! *= random();
  }
  if (random() < 0.2) next.workloads[0]!.hosts = [next.hosts[0]!.name];
  return next;
}

function hostOf(at: number, resources: readonly string[], random: Random): HostDocument {
  return {
    name: `h${at}`,
    capacity: Object.fromEntries(resources.map((resource) => [resource, 0.5 + 3 * random()])),
    memory: Math.ceil(4 * random()),
    ...(random() < 0.5 ? { concurrency: 1 + Math.floor(100 * random()) } : {}),
    ...(random() < 0.2 ? { pods: 1 + Math.floor(3 * random()) } : {}),
  };
}

function workloadOf(
  at: number,
  resources: readonly string[],
  hosts: readonly HostDocument[],
  random: Random,
): WorkloadDocument {
  const some = (most: number) => Object.fromEntries(resources.map((resource) => [resource, most * random()]));
  return {
    name: `w${at}`,
    memory: random() < 0.1 ? 0 : Math.ceil(8 * random()) / 5,
    ...(random() < 0.3 ? { idle: some(0.05) } : {}),
    ...(random() < 0.3 ? { sensitivity: some(0.6), pressure: some(1) } : {}),
    ...(random() < 0.2 ? { pressureRate: 1 + 100 * random() } : {}),
    ...(random() < 0.3 ? { minInstances: Math.floor(3 * random()) } : {}),
    ...(random() < 0.2 ? { maxInstances: 3 + Math.floor(2 * random()) } : {}),
    ...(random() < 0.1 ? { maxPerHost: 1 } : {}),
    ...(random() < 0.15 ? { hosts: hosts.filter(() => random() < 0.6).map(({ name }) => name) } : {}),
  };
}

function columnsOf({ name }: WorkloadDocument, resources: readonly string[], random: Random): ColumnDocument[] {
  return Array.from({ length: Math.floor(1 + 2.5 * random() * random()) }, (_, k): ColumnDocument => ({
    name: `${name}-${k}`,
    workload: name,
    rate: random() < 0.05 ? 0 : 100 * random() ** 3,
    cost: Object.fromEntries(
      resources.map((resource, r) => [resource, r === 0 || random() < 0.6 ? 0.001 + 0.02 * random() : 0]),
    ),
    ...(random() < 0.2 ? { value: random() } : {}),
    ...(random() < 0.5 ? { seconds: random() } : {}),
  }));
}

/** Rates such that the first resource is asked for so much of what there is. */
function scale(hosts: readonly HostDocument[], columns: readonly ColumnDocument[], alpha: number): void {
  const [first = ''] = Object.keys(hosts[0]!.capacity);
  const asked = columns.reduce((sum, { rate, cost }) => sum + rate * cost[first]!, 0);
  const has = hosts.reduce((sum, { capacity }) => sum + capacity[first]!, 0);
  if (asked > 0) for (const column of columns) column.rate *= (alpha * has) / asked;
}
