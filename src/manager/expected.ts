/** What weights would do with a demand: how full the hosts get, how much is served. */
import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import type { Amounts, ColumnSpec, Problem } from '../placement/problem/problem.ts';
import type { Planned } from './problem-of.ts';

export interface Expected {
  /** Highest utilisation of a host, of all that it has; above 1 where it is asked for more. */
  readonly utilization: number;
  /** The host that has it. */
  readonly fullest: string;
  /** Worth served, as a part of what is asked for. A host that is asked for more serves a part of everything. */
  readonly satisfied: number;
  /** Requests per second by host. */
  readonly load: Readonly<Record<string, number>>;
}

export function expectedOf({ problem, whole, others }: Planned, rows: Rows): Expected {
  const shares = sharesOf(problem.load, rows);
  const rates = new Map(problem.columns.map((column) => [column.name, column]));
  const added = addedBy(problem, shares, rates);
  const load: Record<string, number> = {};
  const used = new Map<string, Record<string, number>>(
    problem.hosts.map(({ name }) => [name, { ...others.get(name) }]),
  );
  for (const { host, column, share } of shares) {
    const { rate, cost } = rates.get(column)!;
    load[host] = (load[host] ?? 0) + rate * share;
    const amounts = used.get(host)!;
    for (const [resource, each] of Object.entries(cost)) {
      amounts[resource] = (amounts[resource] ?? 0) + rate * share * each * added(host, column, resource);
    }
  }
  const levels = new Map(
    problem.hosts.map(({ name, capacity }) => [name, level(Object.keys(capacity), whole.get(name)!, used.get(name)!)]),
  );
  const [fullest, utilization] = [...levels].reduce((most, each) => (each[1] > most[1] ? each : most));
  const values = valuesOf(problem.columns, problem.hosts);
  let [served, asked] = [0, 0];
  for (const { host, column, share } of shares) {
    const worth = values.get(column)! * rates.get(column)!.rate * share;
    asked += worth;
    served += worth * Math.min(1, 1 / levels.get(host)!);
  }
  return { utilization, fullest, satisfied: asked > 0 ? served / asked : 1, load };
}

type Share = ReturnType<typeof sharesOf>[number];

export interface CellLoad {
  readonly host: string;
  readonly column: string;
  /** Requests per second. */
  readonly rate: number;
}

/** Of the cells that a problem is about, with the weights of `rows`. */
export function loadsWith({ load, columns }: Problem, rows: Rows): CellLoad[] {
  const rates = new Map(columns.map(({ name, rate }) => [name, rate]));
  return sharesOf(load, rows).map(({ host, column, share }) => ({ host, column, rate: rates.get(column)! * share }));
}

/** How many times its cost alone a request costs on a host, with the neighbours that it has there: as the solver has it. */
function addedBy(
  { hosts, workloads, conflicts, kappa }: Problem,
  shares: readonly Share[],
  columns: ReadonlyMap<string, ColumnSpec>,
): (host: string, column: string, resource: string) => number {
  const grown = new Map(
    hosts.map((each) => [
      each.name,
      1 + (kappa[each.class] ?? kappa['default'] ?? 0) * Math.max(0, (each.concurrency ?? 1) - 1),
    ]),
  );
  if (conflicts.length === 0) return (host) => grown.get(host)!;
  const rates = new Map(
    shares.map(({ host, column, share }) => [`${host} ${column}`, share * columns.get(column)!.rate]),
  );
  const pressed = new Map(workloads.map(({ name, pressureRate }) => [name, pressureRate]));
  const felt = (host: string, neighbour: string): number => {
    const rate = rates.get(`${host} ${neighbour}`);
    const full = pressed.get(neighbour) ?? null;
    if (rate === undefined) return 0;
    return full === null ? 1 : Math.min(1, rate / full);
  };
  const suffered = Map.groupBy(conflicts, ({ workload, resource }) => `${workload} ${resource}`);
  return (host, column, resource) =>
    grown.get(host)! *
    (suffered.get(`${column} ${resource}`) ?? []).reduce((sum, each) => sum + each.factor * felt(host, each.with), 1);
}

/** Shares of the cells that a problem is about. */
function sharesOf(cells: readonly { readonly host: string; readonly column: string }[], rows: Rows) {
  const columns = columnsOf(rows);
  const weightOf = (host: string, column: string): number => columns.get(column)?.get(host) ?? 0;
  const sums = new Map<string, number>();
  for (const { host, column } of cells) sums.set(column, (sums.get(column) ?? 0) + weightOf(host, column));
  return cells.map(({ host, column }) => ({ host, column, share: weightOf(host, column) / sums.get(column)! }));
}

/** Of the resource that is used most. */
function level(resources: readonly string[], capacity: Amounts, used: Amounts): number {
  const parts = resources.map((resource) => {
    const whole = capacity[resource] ?? 0;
    const use = used[resource] ?? 0;
    return use === 0 ? 0 : whole > 0 ? use / whole : Number.POSITIVE_INFINITY;
  });
  return Math.max(0, ...parts);
}

/** As the solver has them: where none is given, the dominant share of a mean host. */
export function valuesOf(
  columns: readonly Pick<ColumnSpec, 'name' | 'value' | 'cost'>[],
  hosts: readonly { readonly capacity: Amounts }[],
): ReadonlyMap<string, number> {
  const mean: Record<string, number> = {};
  for (const { capacity } of hosts) {
    for (const [resource, amount] of Object.entries(capacity)) {
      mean[resource] = (mean[resource] ?? 0) + amount / hosts.length;
    }
  }
  return new Map(
    columns.map(({ name, value, cost }) => {
      const parts = Object.entries(cost).map(([resource, each]) =>
        (mean[resource] ?? 0) > 0 ? each / mean[resource]! : 0,
      );
      return [name, value ?? Math.max(0, ...parts)];
    }),
  );
}
