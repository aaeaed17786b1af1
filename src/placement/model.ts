/**
 * A problem laid out for computing: indices in place of names, flat typed arrays in place of objects. Immutable once made;
 * every part of the solver reads it, none changes it.
 *
 * Layout: `[h * R + r]` for amounts of a host, `[a * R + r]` of a workload, `[j * R + r]` of a column, with R =
 * `resourceCount`. Columns of one workload stand side by side: those of workload a are firstColumn[a] … firstColumn[a + 1].
 */
import { compileConflicts, type Conflicts } from './conflicts.ts';
import type { Amounts, Problem } from './problem/problem.ts';

export interface Model {
  readonly resources: readonly string[];
  readonly hostNames: readonly string[];
  readonly workloadNames: readonly string[];
  readonly columnNames: readonly string[];
  readonly resourceCount: number;
  readonly hostCount: number;
  readonly workloadCount: number;
  readonly columnCount: number;
  /** Most columns of one workload. */
  readonly classCount: number;

  /** C[h][r], times `utilization`. */
  readonly capacity: Float64Array;
  readonly memory: Float64Array;
  readonly pods: Float64Array;
  /** N_h; 0: no cap. */
  readonly concurrency: Float64Array;
  /** o[h] = 1 + kappa (N_h - 1): a constant of the plan, so that capacity stays linear. */
  readonly inflation: Float64Array;

  /** gam[a]: bytes per instance. */
  readonly request: Float64Array;
  /** rho[a][r]: use of an instance that serves nothing. */
  readonly idle: Float64Array;
  readonly minInstances: Float64Array;
  readonly maxInstances: Float64Array;
  readonly maxPerHost: Float64Array;
  /** Per workload 1 for each host where it may run; null: everywhere. */
  readonly allowed: readonly (Uint8Array | null)[];
  /** Per workload those that may not share a host with it, both ways; null: none. */
  readonly apart: readonly (ReadonlySet<number> | null)[];
  readonly conflicts: Conflicts | null;

  readonly firstColumn: Int32Array;
  readonly workloadOf: Int32Array;
  /** lambda[j]: arrivals per second. */
  readonly rate: Float64Array;
  /** d[j][r] at low concurrency. */
  readonly cost: Float64Array;
  /** v[j]. */
  readonly value: Float64Array;
  /** Dominant share of a mean host per request/s: how much of a host a request takes. */
  readonly share: Float64Array;
  /** Response time and N*; 0: not known. */
  readonly seconds: Float64Array;
  readonly peak: Float64Array;

  /** (workload, host, instances) that run now, flat. */
  readonly current: Int32Array;
  /** Requests/s and weight per cell that are in force. */
  readonly load: readonly CellLoad[];
  /** sum v * lambda: what serving everything is worth. */
  readonly demandValue: number;
  /** What a mean host earns when it is full of the demand as it is mixed: 1 where values are the default ones. */
  readonly hostValue: number;
  /** Price of one start or stop, in the unit of value. */
  readonly changePrice: number;
  /**
   * What the first instance of a workload with demand is worth beside what it serves. Where fairness is on it pays for its
   * start and for a stop that makes room for it, and for a little more: s > 0 comes before the sum. Else 0.
   */
  readonly coverValue: number;
  readonly fairness: boolean;
  readonly maxChanges: number;
}

export interface CellLoad {
  readonly host: number;
  readonly column: number;
  readonly rate: number;
  readonly weight: number | null;
}

/** @param problem one that `parseProblem` accepts: names are taken to be there and unique */
export function compileModel(problem: Problem): Model {
  const { hosts, workloads, options } = problem;
  const resources = [...new Set(hosts.flatMap(({ capacity }) => Object.keys(capacity)))];
  const hostIndex = indexOf(hosts);
  const workloadIndex = indexOf(workloads);
  const columns = problem.columns
    .map((column) => ({ ...column, of: workloadIndex.get(column.workload)! }))
    .toSorted((a, b) => a.of - b.of);
  const columnIndex = indexOf(columns);

  const capacity = table(hosts, resources, (host) => host.capacity);
  for (let at = 0; at < capacity.length; at++) capacity[at]! *= options.utilization;
  const cost = table(columns, resources, (column) => column.cost);
  const share = dominantShares(cost, capacity, resources.length);
  const rate = numbers(columns, (column) => column.rate);
  const value = numbers(columns, (column, at) => column.value ?? share[at]!);
  const firstColumn = new Int32Array(workloads.length + 1);
  for (const { of } of columns) firstColumn[of + 1]!++;
  for (let at = 0; at < workloads.length; at++) firstColumn[at + 1]! += firstColumn[at]!;

  const demandValue = dot(value, rate);
  const demandShare = dot(share, rate);
  const hostValue = demandShare > 0 ? demandValue / demandShare : 0;
  const changePrice = problem.current === null ? 0 : options.changeCost * hostValue;

  return {
    resources,
    hostNames: hosts.map(({ name }) => name),
    workloadNames: workloads.map(({ name }) => name),
    columnNames: columns.map(({ name }) => name),
    resourceCount: resources.length,
    hostCount: hosts.length,
    workloadCount: workloads.length,
    columnCount: columns.length,
    classCount: widest(firstColumn),
    capacity,
    memory: numbers(hosts, (host) => host.memory),
    pods: numbers(hosts, (host) => host.pods),
    concurrency: numbers(hosts, (host) => host.concurrency ?? 0),
    inflation: numbers(hosts, (host) => {
      const kappa = problem.kappa[host.class] ?? problem.kappa['default'] ?? 0;
      return 1 + kappa * Math.max(0, (host.concurrency ?? 1) - 1);
    }),
    request: numbers(workloads, (each) => each.memory),
    idle: table(workloads, resources, (each) => each.idle),
    minInstances: numbers(workloads, (each) => each.minInstances),
    maxInstances: numbers(workloads, (each) => each.maxInstances),
    maxPerHost: numbers(workloads, (each) => each.maxPerHost),
    allowed: workloads.map((each) => (each.hosts === null ? null : flags(each.hosts, hostIndex))),
    apart: apartSets(problem, workloadIndex),
    conflicts: compileConflicts(problem, resources, workloadIndex),
    firstColumn,
    workloadOf: Int32Array.from(columns, ({ of }) => of),
    rate,
    cost,
    value,
    share,
    seconds: numbers(columns, (column) => column.seconds ?? 0),
    peak: numbers(columns, (column) => column.concurrency ?? 0),
    current: Int32Array.from(
      (problem.current ?? []).flatMap((each) => [
        workloadIndex.get(each.workload)!,
        hostIndex.get(each.host)!,
        each.instances,
      ]),
    ),
    load: problem.load.map((each) => ({
      host: hostIndex.get(each.host)!,
      column: columnIndex.get(each.column)!,
      rate: each.rate,
      weight: each.weight,
    })),
    demandValue,
    hostValue,
    changePrice,
    coverValue: options.fairness ? 2 * changePrice + 1e-6 * hostValue : 0,
    fairness: options.fairness,
    maxChanges: options.maxChanges,
  };
}

/** Whether load can be moved freely: one resource and no conflict make costs the same wherever they fall due. */
export function isFlow(model: Model): boolean {
  return model.resourceCount === 1 && model.conflicts === null;
}

function indexOf(items: readonly { readonly name: string }[]): Map<string, number> {
  return new Map(items.map(({ name }, at) => [name, at]));
}

function numbers<T>(items: readonly T[], of: (item: T, at: number) => number): Float64Array {
  return Float64Array.from(items, of);
}

function table<T>(items: readonly T[], resources: readonly string[], of: (item: T) => Amounts): Float64Array {
  const rows = new Float64Array(items.length * resources.length);
  for (const [at, item] of items.entries()) {
    const amounts = of(item);
    for (const [r, resource] of resources.entries()) rows[at * resources.length + r] = amounts[resource] ?? 0;
  }
  return rows;
}

/** max over r of d[j][r] / mean C[·][r] (placement.md 2, default of v). */
function dominantShares(cost: Float64Array, capacity: Float64Array, resources: number): Float64Array {
  const mean = new Float64Array(resources);
  const hosts = capacity.length / resources;
  for (let at = 0; at < capacity.length; at++) mean[at % resources]! += capacity[at]! / hosts;
  const shares = new Float64Array(cost.length / resources);
  for (let at = 0; at < cost.length; at++) {
    const j = Math.floor(at / resources);
    const of = mean[at % resources]!;
    if (cost[at]! > 0 && of > 0) shares[j] = Math.max(shares[j]!, cost[at]! / of);
  }
  return shares;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

function widest(first: Int32Array): number {
  let most = 1;
  for (let at = 0; at + 1 < first.length; at++) most = Math.max(most, first[at + 1]! - first[at]!);
  return most;
}

function flags(names: readonly string[], index: ReadonlyMap<string, number>): Uint8Array {
  const set = new Uint8Array(index.size);
  for (const name of names) set[index.get(name)!] = 1;
  return set;
}

function apartSets(problem: Problem, index: ReadonlyMap<string, number>): (Set<number> | null)[] {
  const sets: (Set<number> | null)[] = problem.workloads.map(() => null);
  for (const [a, { apart }] of problem.workloads.entries()) {
    for (const name of apart) {
      const b = index.get(name)!;
      if (a === b) continue;
      (sets[a] ??= new Set()).add(b);
      (sets[b] ??= new Set()).add(a);
    }
  }
  return sets;
}
