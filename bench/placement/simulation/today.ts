/**
 * What people run today: as many replicas of everything, spread over hosts by a scheduler that looks at requests, and an
 * autoscaler that adds replicas where more than 70 % of the processor that they ask for is used (the Horizontal Pod
 * Autoscaler's rule, at least one of each). It is taken to have settled before the run begins, and whoever lacks most is scheduled
 * first, which is kind to it.
 */
import type { Document } from '../instances.ts';
import { evenly, type Placement } from './placements.ts';

const TARGET = 0.7;
/** Its operator sized an instance so that four of them are what 100 % asks of the processor. */
const SIZED = 4;

/** As many replicas of each workload as fit for all alike, then one more of those that still fit. */
export function equalReplicas(reference: Document): Placement {
  const cluster = new Cluster(reference, () => 0);
  for (let some = true; some;) some = cluster.addOneOfEach();
  return evenly(reference, cluster.counts);
}

/** @param load part of the reference that is offered: the autoscaler follows it */
export function autoscaled(reference: Document, load: number): Placement {
  const demand = reference.workloads.map(({ name }) =>
    reference.columns
      .filter(({ workload }) => workload === name)
      .reduce((sum, { rate, cost }) => sum + rate * (cost['cpu'] ?? 0), 0),
  );
  const asks = (a: number): number => Math.max(demand[a]! / SIZED, 0.01);
  const cluster = new Cluster(reference, asks);
  cluster.addOneOfEach();
  const wanted = demand.map((cpu, a) => Math.ceil((load * cpu) / (TARGET * asks(a))));
  const lacking = new Set(wanted.keys());
  while (lacking.size > 0) {
    const has = (a: number): number => cluster.replicas(a) / Math.max(1, wanted[a]!);
    const next = [...lacking].reduce((a, b) => (has(b) < has(a) ? b : a));
    if (has(next) >= 1 || !cluster.add(next)) lacking.delete(next);
  }
  return evenly(reference, cluster.counts);
}

class Cluster {
  /** Per workload and host. */
  readonly counts: readonly Int32Array[];
  readonly #document: Document;
  readonly #asks: (workload: number) => number;
  readonly #memory: number[];
  readonly #cpu: number[];

  constructor(document: Document, asks: (workload: number) => number) {
    this.#document = document;
    this.#asks = asks;
    this.counts = document.workloads.map(() => new Int32Array(document.hosts.length));
    this.#memory = document.hosts.map(({ memory }) => memory);
    this.#cpu = document.hosts.map(({ capacity }) => capacity['cpu']!);
  }

  replicas(workload: number): number {
    return this.counts[workload]!.reduce((a, b) => a + b, 0);
  }

  /** One more of each that fits, those that need most memory first; whether there was any. */
  addOneOfEach(): boolean {
    const { workloads } = this.#document;
    const order = workloads.map((_, a) => a).toSorted((a, b) => workloads[b]!.memory - workloads[a]!.memory || a - b);
    return order.filter((a) => this.add(a)).length > 0;
  }

  /** One more, on the host that has fewest of them, of those the one where least is asked for, as kube-scheduler scores; whether there was room. */
  add(workload: number): boolean {
    const { memory, maxPerHost = Infinity } = this.#document.workloads[workload]!;
    const first = this.replicas(workload) === 0;
    const asked = this.#asks(workload);
    let best = -1;
    let least = Infinity;
    for (const [host, { memory: has, capacity }] of this.#document.hosts.entries()) {
      if (this.counts[workload]![host]! >= maxPerHost) continue;
      // The first of each runs wherever it has memory: whoever asked for too much processor would have been told.
      if (this.#memory[host]! < memory - 1e-9 || (!first && this.#cpu[host]! < asked)) continue;
      const taken = 2 - this.#memory[host]! / has - this.#cpu[host]! / capacity['cpu']!;
      const score = 100 * this.counts[workload]![host]! + taken;
      if (score < least) [best, least] = [host, score];
    }
    if (best < 0) return false;
    this.counts[workload]![best]!++;
    this.#memory[best]! -= memory;
    this.#cpu[best]! -= asked;
    return true;
  }
}
