/** A cluster for tests: a scheduler, whoever makes and deletes pods, and nodes, each of whom may do otherwise than is hoped for. */
import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import type { HostSeen, InstanceSeen, Seen, Served, WorkloadSeen } from '../model/workloads.ts';
import type { Problem } from '../placement/problem/problem.ts';
import { MARK } from './costs.ts';
import type { Write } from './course.ts';

export interface Pod {
  readonly name: string;
  readonly workload: string;
  host: string | null;
  wish: string | null;
  gated: boolean;
  /** Ticks until it is ready. */
  starting: number;
  /** Ticks until it is gone; null: it stays. */
  going: number | null;
  cost: number | null;
}

export interface Faults {
  /** Parts of the cases in which the scheduler, or who deletes pods, does otherwise. */
  readonly astray: number;
  readonly unmarked: number;
}

export const NO_FAULTS: Faults = { astray: 0, unmarked: 0 };

export class Cluster {
  readonly problem: Problem;
  readonly replicas = new Map<string, number>();
  readonly pods: Pod[] = [];
  now = Date.UTC(2026, 0, 1);
  /** What the proxies have: the rows of the tick before. */
  served: Rows = [];
  readonly #random: () => number;
  readonly #faults: Faults;
  readonly #scaledAt = new Map<string, number>();
  #made = 0;

  constructor(problem: Problem, random: () => number, faults: Faults = NO_FAULTS) {
    this.problem = problem;
    this.#random = random;
    this.#faults = faults;
    for (const { name } of problem.workloads) this.replicas.set(name, 0);
    for (const { host, workload, instances } of problem.current ?? []) {
      for (let n = 0; n < instances; n++) {
        this.#add(workload, { host, gated: false, starting: 0 });
        this.replicas.set(workload, this.replicas.get(workload)! + 1);
      }
    }
  }

  /** Those that are not on their way out. */
  staying(workload: string): Pod[] {
    return this.pods.filter((pod) => pod.workload === workload && pod.going === null);
  }

  live(workload: string): Pod[] {
    return this.staying(workload).filter(({ host, starting }) => host !== null && starting === 0);
  }

  usedMemory(host: string): number {
    return this.pods.reduce((sum, pod) => sum + (pod.host === host ? this.#memoryOf(pod.workload) : 0), 0);
  }

  seen(): Seen {
    const hosts = this.problem.hosts.map(({ name, memory }): [string, HostSeen] => [
      name,
      { node: name, memory, pods: Number.POSITIVE_INFINITY, isReady: true },
    ]);
    const workloads = this.problem.workloads.map(
      ({ name, minInstances, maxInstances, memory }): [string, WorkloadSeen] => [
        name,
        {
          name,
          memory,
          replicas: this.replicas.get(name)!,
          least: minInstances,
          most: maxInstances,
          notOn: new Set(),
          startSeconds: 10,
          // Whoever makes pods takes note of a new number a moment later.
          isSettled: this.now > (this.#scaledAt.get(name) ?? 0) + 1000,
          whyNot: null,
          instances: this.pods.filter((pod) => pod.workload === name).map(instanceOf),
        },
      ],
    );
    return { now: this.now, hosts: new Map(hosts), workloads: new Map(workloads) };
  }

  proxies(): Served {
    const columns = columnsOf(this.served);
    const of = (workload: string) => this.problem.columns.filter((column) => column.workload === workload);
    return {
      isQuiesced: (host, workload) => of(workload).every(({ name }) => columns.get(name)?.get(host) === 0),
      inFlight: () => 0,
    };
  }

  write(write: Write): void {
    if (write.kind === 'Scale') {
      if (this.replicas.get(write.workload) !== write.from) return;
      this.replicas.set(write.workload, write.to);
      this.#scaledAt.set(write.workload, this.now);
      return;
    }
    const pod = this.pods.find(({ name }) => name === write.pod);
    if (pod === undefined) return;
    if (write.kind === 'Cost') {
      if (pod.cost === write.from) pod.cost = write.to;
    } else if (pod.gated) {
      pod.gated = false;
      pod.wish = write.host;
    }
  }

  /** Time goes by. */
  tick(): void {
    this.now += 1000;
    for (const pod of this.pods) {
      if (pod.host !== null && pod.starting > 0) pod.starting--;
      if (pod.going !== null) pod.going--;
    }
    for (let at = this.pods.length - 1; at >= 0; at--) if (this.pods[at]!.going === 0) this.pods.splice(at, 1);
    for (const [workload, replicas] of this.replicas) {
      for (let n = this.staying(workload).length; n < replicas; n++) this.#add(workload, {});
      for (let n = this.staying(workload).length; n > replicas; n--) this.#delete(workload);
    }
    for (const pod of this.pods) if (!pod.gated && pod.host === null) this.#schedule(pod);
  }

  /** As a node that fails takes its pods along: others are made in their place. */
  kill(pod: Pod): void {
    pod.going = 1 + Math.floor(3 * this.#random());
  }

  #add(workload: string, more: Partial<Pod>): void {
    const name = `${workload}-${++this.#made}`;
    const starting = 1 + Math.floor(3 * this.#random());
    this.pods.push({ name, workload, host: null, wish: null, gated: true, starting, going: null, cost: null, ...more });
  }

  /** In the order of Kubernetes: what is not placed or not ready, then the lowest cost. */
  #delete(workload: string): void {
    const pods = this.staying(workload);
    const unmarked = this.#random() < this.#faults.unmarked;
    const rank = (pod: Pod) => [pod.host === null ? 0 : 1, pod.starting > 0 ? 0 : 1, unmarked ? 0 : (pod.cost ?? 0)];
    const order = (a: Pod, b: Pod) =>
      rank(a)
        .map((each, at) => each - rank(b)[at]!)
        .find((each) => each !== 0) ?? 0;
    const [first] = unmarked ? [pods[Math.floor(this.#random() * pods.length)]] : pods.toSorted(order);
    if (first !== undefined) this.kill(first);
  }

  #schedule(pod: Pod): void {
    const fits = this.problem.hosts.filter(
      ({ name, memory }) => this.usedMemory(name) + this.#memoryOf(pod.workload) <= memory + 1e-9,
    );
    const wished = fits.find(({ name }) => name === pod.wish && this.#random() >= this.#faults.astray);
    pod.host = (wished ?? fits[Math.floor(this.#random() * fits.length)])?.name ?? null;
  }

  #memoryOf(workload: string): number {
    return this.problem.workloads.find(({ name }) => name === workload)!.memory;
  }
}

function instanceOf({ name, host, wish, gated, starting, going, cost }: Pod): InstanceSeen {
  return {
    pod: name,
    version: 'v1',
    host,
    wish,
    isGated: gated,
    isReady: host !== null && starting === 0,
    isGoing: going !== null,
    cost,
  };
}

/** What no controller that is alive leaves behind. */
export function leftovers({ pods, replicas }: Cluster): string[] {
  return [
    ...pods.filter(({ gated }) => gated).map(({ name }) => `${name} is gated`),
    ...pods.filter(({ cost }) => cost === MARK).map(({ name }) => `${name} is marked`),
    ...[...replicas].flatMap(([workload, wanted]) => {
      const staying = pods.filter((pod) => pod.workload === workload && pod.going === null).length;
      return staying === wanted ? [] : [`${workload} has ${staying} instances of ${wanted}`];
    }),
  ];
}
