/**
 * Whether an answer is one: every host, every demand, every bound, and every state that the plan goes through. It shares no
 * code with the solver, and reads the question as it was put (a document with amounts as numbers).
 */
import type { Document } from './instances.ts';

/** The answer, as `tcpvs optimize --json` prints it. */
export interface Answer {
  readonly satisfied: number;
  readonly fairness: number;
  readonly served: readonly { column: string; rate: number }[];
  readonly instances: readonly { host: string; workload: string; count: number }[];
  readonly load: readonly { host: string; column: string; rate: number; weight: number; cap: number | null }[];
  readonly before: readonly { host: string; column: string; rate: number }[];
  readonly changes: readonly {
    op: 'start' | 'stop';
    host: string;
    workload: string;
    shift: readonly { host: string; column: string; rate: number }[];
  }[];
}

const EPSILON = 1e-6;

interface World {
  /** "host workload" → count. */
  readonly instances: Map<string, number>;
  /** "host column" → requests/s. */
  readonly load: Map<string, number>;
}

const key = (host: string, other: string): string => `${host} ${other}`;

/** All that is wrong, one line each; empty: the answer holds. */
export function check(document: Document, answer: Answer): string[] {
  const judge = new Judge(document);
  const final: World = {
    instances: new Map(answer.instances.map((each) => [key(each.host, each.workload), each.count])),
    load: new Map(answer.load.map((each) => [key(each.host, each.column), each.rate])),
  };
  const faults = judge.world(final, 'answer');
  faults.push(...judge.figures(answer, final), ...judge.minimum(final), ...judge.way(answer, final));
  return faults;
}

class Judge {
  readonly #document: Document;
  readonly #hosts: Map<string, Document['hosts'][number]>;
  readonly #workloads: Map<string, Document['workloads'][number]>;
  readonly #columns: Map<string, Document['columns'][number]>;
  readonly #utilization: number;

  constructor(document: Document) {
    this.#document = document;
    this.#hosts = new Map(document.hosts.map((each) => [each.name, each]));
    this.#workloads = new Map(document.workloads.map((each) => [each.name, each]));
    this.#columns = new Map(document.columns.map((each) => [each.name, each]));
    this.#utilization = Number(document.options?.['utilization'] ?? 1);
  }

  /** A state: memory, capacity with every conflict, demand, bounds. */
  world({ instances, load }: World, what: string): string[] {
    const faults: string[] = [];
    const onHost = new Map<string, { workload: string; count: number }[]>();
    const ofWorkload = new Map<string, number>();
    for (const [at, count] of instances) {
      if (count === 0) continue;
      const [host = '', workload = ''] = at.split(' ');
      if (!Number.isInteger(count) || count < 0) faults.push(`${what}: ${count} instances of ${workload} on ${host}`);
      onHost.set(host, [...(onHost.get(host) ?? []), { workload, count }]);
      ofWorkload.set(workload, (ofWorkload.get(workload) ?? 0) + count);
    }
    const loadsOn = Map.groupBy(
      [...load].filter(([, rate]) => rate !== 0),
      ([at]) => at.split(' ')[0]!,
    );
    for (const [host, here] of onHost) faults.push(...this.#host(host, here, loadsOn.get(host) ?? [], load, what));
    for (const [host] of loadsOn) if (!onHost.has(host)) faults.push(`${what}: ${host} has load and no instance`);
    const served = new Map<string, number>();
    for (const [at, rate] of load) {
      const column = at.split(' ')[1]!;
      if (!(rate >= 0)) faults.push(`${what}: ${at} serves ${rate}`);
      served.set(column, (served.get(column) ?? 0) + rate);
    }
    for (const { name, rate } of this.#document.columns) {
      const has = served.get(name) ?? 0;
      if (has > rate * (1 + EPSILON) + 1e-9) faults.push(`${what}: ${name} is served ${has} of ${rate}`);
    }
    for (const workload of this.#document.workloads) {
      const has = ofWorkload.get(workload.name) ?? 0;
      if (has > (workload.maxInstances ?? Infinity)) faults.push(`${what}: ${workload.name} has ${has} instances`);
    }
    return faults;
  }

  #host(
    host: string,
    here: readonly { workload: string; count: number }[],
    loads: readonly (readonly [string, number])[],
    load: ReadonlyMap<string, number>,
    what: string,
  ): string[] {
    const spec = this.#hosts.get(host);
    if (spec === undefined) return [`${what}: no host ${host}`];
    const faults: string[] = [];
    const memory = here.reduce((sum, { workload, count }) => sum + count * this.#workloads.get(workload)!.memory, 0);
    const pods = here.reduce((sum, { count }) => sum + count, 0);
    if (pods > (spec.pods ?? Infinity)) faults.push(`${what}: ${pods} instances on ${host}, at most ${spec.pods}`);
    if (memory > spec.memory * (1 + EPSILON)) faults.push(`${what}: ${host} holds ${memory} of ${spec.memory} memory`);
    const kappa = this.#document.kappa?.['default'] ?? 0;
    const growth = spec.concurrency === undefined ? 1 : 1 + kappa * (spec.concurrency - 1);
    for (const resource of Object.keys(spec.capacity)) {
      let used = 0;
      for (const { workload, count } of here) used += count * (this.#workloads.get(workload)!.idle?.[resource] ?? 0);
      for (const [at, rate] of loads) {
        const column = this.#columns.get(at.split(' ')[1]!)!;
        if (!here.some(({ workload }) => workload === column.workload)) {
          faults.push(`${what}: ${at} has load without an instance`);
          continue;
        }
        let beside = 1;
        for (const { workload } of here) {
          if (workload !== column.workload) beside += this.#conflict(column.workload, workload, resource, host, load);
        }
        used += rate * (column.cost[resource] ?? 0) * growth * beside;
      }
      const most = spec.capacity[resource]! * this.#utilization;
      if (used > most * (1 + EPSILON) + 1e-9) faults.push(`${what}: ${host} uses ${used} of ${most} ${resource}`);
    }
    for (const { workload } of here) {
      const { hosts, apart = [], maxPerHost = Infinity } = this.#workloads.get(workload)!;
      if (hosts !== undefined && !hosts.includes(host)) faults.push(`${what}: ${workload} may not run on ${host}`);
      for (const other of here) {
        if (apart.includes(other.workload)) faults.push(`${what}: ${workload} beside ${other.workload} on ${host}`);
        if (other.workload === workload && other.count > maxPerHost) {
          faults.push(`${what}: ${other.count} of ${workload} on ${host}`);
        }
      }
    }
    return faults;
  }

  #conflict(
    workload: string,
    beside: string,
    resource: string,
    host: string,
    load: ReadonlyMap<string, number>,
  ): number {
    const pair = this.#document.conflicts?.find(
      (each) => each.workload === workload && each.with === beside && each.resource === resource,
    );
    const other = this.#workloads.get(beside)!;
    const factor =
      pair?.factor ?? (this.#workloads.get(workload)!.sensitivity?.[resource] ?? 0) * (other.pressure?.[resource] ?? 0);
    if (other.pressureRate === undefined || factor === 0) return factor;
    let rate = 0;
    for (const column of this.#document.columns) {
      if (column.workload === beside) rate += load.get(key(host, column.name)) ?? 0;
    }
    return factor * Math.min(1, rate / other.pressureRate);
  }

  /** Below its minimum a workload may only be where no host has room; conflicts and what plans allow are left out. */
  minimum({ instances }: World): string[] {
    if (this.#document.current !== undefined) return [];
    const has = sums(instances);
    return this.#document.workloads
      .filter(({ name, minInstances = 0 }) => (has.get(name) ?? 0) < minInstances)
      .filter((workload) => this.#document.hosts.some((host) => this.#hasRoom(host, workload, instances)))
      .map(
        ({ name, minInstances }) => `${name} has ${has.get(name) ?? 0} of at least ${minInstances}, and there is room`,
      );
  }

  #hasRoom(
    host: Document['hosts'][number],
    workload: Document['workloads'][number],
    instances: ReadonlyMap<string, number>,
  ): boolean {
    const here = [...instances].filter(([at, count]) => count > 0 && at.startsWith(`${host.name} `));
    let { memory, pods = Infinity } = host;
    for (const [at, count] of here) {
      const other = this.#workloads.get(at.split(' ')[1]!)!;
      memory -= count * other.memory;
      pods -= count;
      const apart = [...(other.apart ?? []), ...(workload.apart ?? [])];
      if (apart.includes(workload.name) || apart.includes(other.name)) return false;
      if (other === workload && count >= (workload.maxPerHost ?? Infinity)) return false;
    }
    if (workload.hosts !== undefined && !workload.hosts.includes(host.name)) return false;
    return workload.idle === undefined && memory >= workload.memory * (1 + EPSILON) && pods >= 1 && here.length === 0;
  }

  /** Sums, weights and caps as they are told. */
  figures(answer: Answer, { load }: World): string[] {
    const faults: string[] = [];
    const served = new Map<string, number>();
    for (const [at, rate] of load) served.set(at.split(' ')[1]!, (served.get(at.split(' ')[1]!) ?? 0) + rate);
    for (const { column, rate } of answer.served) {
      const sum = served.get(column) ?? 0;
      if (Math.abs(sum - rate) > EPSILON * (1 + rate)) faults.push(`served: ${column} ${rate}, loads sum to ${sum}`);
    }
    if (!(answer.satisfied >= 0 && answer.satisfied <= 1)) faults.push(`satisfied: ${answer.satisfied}`);
    for (const [column, cells] of Map.groupBy(answer.load, (each) => each.column)) {
      const total = cells.reduce((sum, { rate }) => sum + rate, 0);
      const weights = cells.reduce((sum, { weight }) => sum + weight, 0);
      if (cells.some(({ weight }) => !Number.isInteger(weight) || weight < 0)) faults.push(`weights of ${column}`);
      if (total > 0 && weights !== 10_000) faults.push(`weights of ${column} sum to ${weights}`);
      const low = cells.filter(({ rate }) => (rate / total) * 10_000 < 1).length;
      for (const { host, rate, weight } of total > 0 ? cells : []) {
        if (Math.abs(weight - (10_000 * rate) / total) > 1 + low)
          faults.push(`weight of ${column} on ${host}: ${weight}`);
      }
    }
    return faults;
  }

  /** What is served, with a request's dominant share of a mean host as its worth. */
  #worth(served: ReadonlyMap<string, number>): number {
    let sum = 0;
    for (const [name, rate] of served) sum += rate * this.#value(name);
    return sum;
  }

  #value(name: string): number {
    const { hosts } = this.#document;
    const { value, cost } = this.#columns.get(name)!;
    if (value !== undefined) return value;
    const shares = Object.entries(cost).map(([resource, amount]) => {
      const all = hosts.reduce((sum, { capacity }) => sum + capacity[resource]! * this.#utilization, 0);
      return (amount * hosts.length) / all;
    });
    return Math.max(...shares);
  }

  /**
   * Every state on the way: as good as a state must be, no workload below its minimum, no column below the lesser of what it
   * had and the part that all are sure of afterwards, the sum not below both ends.
   */
  way(answer: Answer, final: World): string[] {
    const { current = [], load = [], workloads, columns } = this.#document;
    if (current.length === 0) return [];
    const faults: string[] = [];
    const instances = new Map(current.map((each) => [key(each.host, each.workload), each.instances]));
    const rates = new Map(load.map((each) => [key(each.host, each.column), each.rate]));
    const now: World = { instances, load: rates };
    let from = answer.changes.findIndex((each) => !isForced(each));
    if (from < 0) from = answer.changes.length;
    for (const { host, workload } of answer.changes.slice(0, from)) {
      instances.set(key(host, workload), (instances.get(key(host, workload)) ?? 0) - 1);
    }
    rates.clear();
    for (const cell of answer.before) rates.set(key(cell.host, cell.column), cell.rate);
    faults.push(...this.world(now, 'before'));
    const [first, last] = [sums(rates), sums(final.load)];
    const hadAtFirst = sums(instances);
    for (const [at, change] of answer.changes.entries()) {
      if (at < from) continue;
      const counts = key(change.host, change.workload);
      const count = instances.get(counts) ?? 0;
      if (change.op === 'start') {
        instances.set(counts, count + 1);
      }
      for (const cell of change.shift) rates.set(key(cell.host, cell.column), cell.rate);
      faults.push(...this.world(now, `step ${at}`));
      if (change.op === 'stop') {
        instances.set(counts, count - 1);
        faults.push(...this.world(now, `step ${at} after`));
      }
      const running = sums(instances);
      for (const { name, minInstances = 0 } of workloads) {
        const least = Math.min(minInstances, hadAtFirst.get(name) ?? 0);
        if ((running.get(name) ?? 0) < least) faults.push(`step ${at}: ${running.get(name)} of ${name}, not ${least}`);
      }
      const serves = sums(rates);
      for (const { name, rate } of columns) {
        const least = Math.min(first.get(name) ?? 0, answer.fairness * rate);
        const has = serves.get(name) ?? 0;
        if (has < least - EPSILON * rate - 1e-9) faults.push(`step ${at}: ${name} is served ${has}, not ${least}`);
      }
      const least = Math.min(this.#worth(first), this.#worth(last));
      if (this.#worth(serves) < least * (1 - EPSILON)) faults.push(`step ${at}: all are served ${this.#worth(serves)}`);
    }
    for (const [at, count] of now.instances) {
      if ((final.instances.get(at) ?? 0) !== count) faults.push(`the plan ends with ${count} of ${at}`);
    }
    for (const [at, count] of final.instances) {
      if ((now.instances.get(at) ?? 0) !== count) faults.push(`the plan ends without ${count} of ${at}`);
    }
    return faults;
  }
}

function isForced(change: Answer['changes'][number] & { reason?: string }): boolean {
  return change.op === 'stop' && (change.reason ?? '').startsWith('may not stay');
}

/** Sums over hosts. */
function sums(of: ReadonlyMap<string, number>): Map<string, number> {
  const found = new Map<string, number>();
  for (const [at, each] of of) {
    const name = at.split(' ')[1]!;
    found.set(name, (found.get(name) ?? 0) + each);
  }
  return found;
}
