/** Changes to what runs and what is asked for, before they happen. Pure. */
import type { LoadSpec, Problem } from '../placement/problem/problem.ts';

export interface Changes {
  readonly lostHosts: readonly string[];
  readonly demand: readonly DemandChange[];
  readonly weights: readonly CellChange[];
  readonly caps: readonly CellChange[];
}

/** A rate in place of the one that is asked for, or so many times it. */
export interface DemandChange {
  /** null: every one. */
  readonly column: string | null;
  readonly by: { readonly factor: number } | { readonly rate: number };
}

/** All weights, or caps, of a column by host: those that are not named have none. */
export interface CellChange {
  readonly column: string;
  readonly cells: ReadonlyMap<string, number>;
}

/** The problem as it would be, or what is wrong with a change. */
export function changedProblem(problem: Problem, changes: Changes): Problem | { readonly fault: string } {
  const fault = faultOf(problem, changes);
  if (fault !== null) return { fault };
  const lost = new Set(changes.lostHosts);
  const stays = ({ host }: { readonly host: string }): boolean => !lost.has(host);
  const load = withCaps(withWeights(problem.load, changes.weights), problem, changes.caps);
  return {
    ...problem,
    hosts: problem.hosts.filter(({ name }) => !lost.has(name)),
    workloads: problem.workloads.map((workload) => ({
      ...workload,
      hosts: workload.hosts?.filter((host) => !lost.has(host)) ?? null,
    })),
    columns: problem.columns.map((column) => ({
      ...column,
      rate: changes.demand
        .filter((each) => each.column === null || each.column === column.name)
        .reduce((rate, { by }) => ('rate' in by ? by.rate : rate * by.factor), column.rate),
    })),
    current: problem.current?.filter(stays) ?? null,
    load: load.filter(stays),
  };
}

function withWeights(load: Problem['load'], changes: readonly CellChange[]): LoadSpec[] {
  const changed = new Set(changes.map(({ column }) => column));
  const capOf = (column: string, host: string) =>
    load.find((each) => each.column === column && each.host === host)?.cap ?? null;
  return [
    ...load.filter(({ column }) => !changed.has(column)),
    ...changes.flatMap(({ column, cells }) =>
      [...cells].map(([host, weight]): LoadSpec => ({ host, column, rate: 0, weight, cap: capOf(column, host) })),
    ),
  ];
}

function withCaps(load: readonly LoadSpec[], problem: Problem, changes: readonly CellChange[]): LoadSpec[] {
  const byColumn = new Map(changes.map(({ column, cells }) => [column, cells]));
  // What has no weights of its own has those of its instances.
  const unweighted = [...byColumn.keys()].filter((column) => !load.some((each) => each.column === column));
  const added = unweighted.flatMap((column) =>
    runningOf(problem, column).map(({ host, instances }): LoadSpec => ({ host, column, rate: 0, weight: instances })),
  );
  return [...load, ...added].map((each) => {
    const caps = byColumn.get(each.column);
    return caps === undefined ? each : { ...each, cap: caps.get(each.host) ?? null };
  });
}

/** Where instances of a column's workload run. */
function runningOf({ columns, current }: Problem, column: string) {
  const { workload } = columns.find(({ name }) => name === column)!;
  return (current ?? []).filter((each) => each.workload === workload);
}

function faultOf(problem: Problem, { lostHosts, demand, weights, caps }: Changes): string | null {
  const hosts = problem.hosts.map(({ name }) => name);
  const columns = problem.columns.map(({ name }) => name);
  const cells = [...weights, ...caps];
  const host = [...lostHosts, ...cells.flatMap((each) => [...each.cells.keys()])].find((each) => !hosts.includes(each));
  if (host !== undefined) return `there is no host ${host}; there are ${some(hosts)}`;
  const named = [...demand, ...cells].map((each) => each.column);
  const column = named.find((each) => each !== null && !columns.includes(each));
  if (column !== undefined) return `there is no column ${column}; there are ${some(columns)}`;
  if (new Set(lostHosts).size === hosts.length) return 'no host would be left';
  for (const change of cells) {
    const running = runningOf(problem, change.column).map((each) => each.host);
    const absent = [...change.cells].find(([name, amount]) => amount > 0 && !running.includes(name));
    if (absent !== undefined) {
      const { workload } = problem.columns.find(({ name }) => name === change.column)!;
      return `${change.column}: no instance of ${workload} runs on ${absent[0]}; they run on ${some(running)}`;
    }
  }
  return null;
}

function some(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ') || 'none';
}
