/** Changes to what runs and what is asked for, before they happen. Pure. */
import type { LoadSpec, Problem } from '../placement/problem/problem.ts';

export interface Changes {
  readonly lostHosts: readonly string[];
  readonly demand: readonly DemandChange[];
  readonly weights: readonly WeightChange[];
}

/** A rate in place of the one that is asked for, or so many times it. */
export interface DemandChange {
  /** null: every one. */
  readonly column: string | null;
  readonly by: { readonly factor: number } | { readonly rate: number };
}

/** All weights of a column: hosts that are not named have none. */
export interface WeightChange {
  readonly column: string;
  readonly weights: ReadonlyMap<string, number>;
}

/** The problem as it would be, or what is wrong with a change. */
export function changedProblem(problem: Problem, changes: Changes): Problem | { readonly fault: string } {
  const fault = faultOf(problem, changes);
  if (fault !== null) return { fault };
  const lost = new Set(changes.lostHosts);
  const stays = ({ host }: { readonly host: string }): boolean => !lost.has(host);
  const weighted = new Map(changes.weights.map((each) => [each.column, each.weights]));
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
    load: [
      ...problem.load.filter(({ column }) => !weighted.has(column)),
      ...changes.weights.flatMap(({ column, weights }) =>
        [...weights].map(([host, weight]): LoadSpec => ({ host, column, rate: 0, weight })),
      ),
    ].filter(stays),
  };
}

function faultOf(problem: Problem, { lostHosts, demand, weights }: Changes): string | null {
  const hosts = problem.hosts.map(({ name }) => name);
  const columns = problem.columns.map(({ name }) => name);
  const host = [...lostHosts, ...weights.flatMap((each) => [...each.weights.keys()])].find(
    (each) => !hosts.includes(each),
  );
  if (host !== undefined) return `there is no host ${host}; there are ${some(hosts)}`;
  const named = [...demand.map((each) => each.column), ...weights.map((each) => each.column)];
  const column = named.find((each) => each !== null && !columns.includes(each));
  if (column !== undefined) return `there is no column ${column}; there are ${some(columns)}`;
  if (new Set(lostHosts).size === hosts.length) return 'no host would be left';
  for (const change of weights) {
    const { workload } = problem.columns.find(({ name }) => name === change.column)!;
    const running = (problem.current ?? []).filter((each) => each.workload === workload).map((each) => each.host);
    const absent = [...change.weights].find(([name, weight]) => weight > 0 && !running.includes(name));
    if (absent !== undefined) {
      return `${change.column}: no instance of ${workload} runs on ${absent[0]}; they run on ${some(running)}`;
    }
  }
  return null;
}

function some(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ') || 'none';
}
