/** Why something is not served: what a person would have to change. */
import { NONE, type State } from './state/state.ts';

export interface Shortage {
  readonly column: string;
  /** Requests/s that are asked for and not served. */
  readonly missing: number;
  readonly reason: string;
}

/** Columns that are served less than they ask for, most of a mean host first. @param served requests/s per column */
export function explain(state: State, served: Float64Array): Shortage[] {
  const { model } = state;
  return Array.from(served, (rate, j) => ({ j, missing: model.rate[j]! - rate }))
    .filter(({ j, missing }) => missing > 1e-6 * model.rate[j]!)
    .toSorted((x, y) => y.missing * model.share[y.j]! - x.missing * model.share[x.j]! || x.j - y.j)
    .map(({ j, missing }) => ({ column: model.columnNames[j]!, missing, reason: reasonOf(state, j) }));
}

function reasonOf(state: State, j: number): string {
  const { model, pool } = state;
  const a = model.workloadOf[j]!;
  const workload = model.workloadNames[a]!;
  const full = new Set<string>();
  for (let i = pool.firstOfWorkload[a]!; i !== NONE; i = pool.nextOfWorkload[i]!) {
    full.add(scarcest(state, pool.host[i]!, j));
  }
  const where =
    full.size === 0 ? `${workload} has no instance` : `its hosts are full (${[...full].toSorted().join(', ')})`;
  if (state.instances[a]! >= model.maxInstances[a]!) return `${where}, and it has its most instances`;
  const blocked = new Map<string, number>();
  for (let host = 0; host < model.hostCount; host++) {
    if (pool.find(host, a) !== NONE) continue;
    const why = blockedBy(state, host, a, j);
    if (why === null) return `${where}, and another instance would not be worth its price`;
    blocked.set(why, (blocked.get(why) ?? 0) + 1);
  }
  const others = [...blocked].toSorted(([, x], [, y]) => y - x).map(([why, hosts]) => `${why} on ${hosts}`);
  return others.length === 0 ? where : `${where}; of the other hosts: ${others.join(', ')}`;
}

function blockedBy(state: State, host: number, a: number, j: number): string | null {
  const { model } = state;
  if (model.allowed[a]?.[host] === 0) return 'not allowed';
  if (state.memoryLeft[host]! < model.request[a]!) return 'no memory';
  if (state.podsLeft[host]! < 1) return 'no pod left';
  if (!state.mayStart(host, a)) return 'to be kept apart';
  const R = model.resourceCount;
  for (let r = 0; r < R; r++) {
    if (model.cost[j * R + r]! > 0 && state.residual[host * R + r]! < 0.01 * model.capacity[host * R + r]!) {
      return `no ${model.resources[r]}`;
    }
  }
  return null;
}

/** Of the resources that the column needs, the one of which least is left. */
function scarcest(state: State, host: number, j: number): string {
  const { model, residual } = state;
  const R = model.resourceCount;
  let least = Number.POSITIVE_INFINITY;
  let name = '';
  for (let r = 0; r < R; r++) {
    if (model.cost[j * R + r]! <= 0) continue;
    const left = residual[host * R + r]! / model.capacity[host * R + r]!;
    if (left < least) [least, name] = [left, model.resources[r]!];
  }
  return name;
}
