/** What is added to the costs of requests alone, put in the terms of a problem about apps and hosts. */
import type { Amounts, ConflictSpec, HostSpec } from '../placement/problem/problem.ts';

interface App {
  readonly name: string;
  readonly workload: string;
  readonly rate: number;
  readonly cost: Amounts;
}

/** In a problem every app is a workload of its own: what is between workloads is between their apps. */
export function conflictsOfApps(conflicts: readonly ConflictSpec[], apps: readonly App[]): ConflictSpec[] {
  const classes = Map.groupBy(apps, ({ workload }) => workload);
  return conflicts.flatMap(({ workload, with: neighbour, resource, factor }) =>
    (classes.get(workload) ?? []).flatMap(({ name, cost }) =>
      cost[resource] === undefined
        ? []
        : (classes.get(neighbour) ?? []).map((other) => ({ workload: name, with: other.name, resource, factor })),
    ),
  );
}

/**
 * Requests in flight that hosts are planned with: all of them, divided as the hosts can do work. What they have now would follow
 * the weights, and the weights would follow it.
 *
 * @param inflight of all hosts together
 */
export function concurrencies(
  hosts: readonly Pick<HostSpec, 'name' | 'capacity'>[],
  apps: readonly App[],
  inflight: number,
): Map<string, number> {
  const resource = scarcest(hosts, apps);
  const of = ({ capacity }: Pick<HostSpec, 'capacity'>): number => capacity[resource] ?? 0;
  const whole = hosts.reduce((sum, host) => sum + of(host), 0);
  return new Map(hosts.map((host) => [host.name, whole > 0 ? Math.max(1, (inflight * of(host)) / whole) : 1]));
}

/** The resource of which most is asked for, of what there is. */
function scarcest(hosts: readonly Pick<HostSpec, 'capacity'>[], apps: readonly App[]): string {
  let [most, found] = [-1, ''];
  for (const resource of new Set(hosts.flatMap(({ capacity }) => Object.keys(capacity)))) {
    const has = hosts.reduce((sum, { capacity }) => sum + (capacity[resource] ?? 0), 0);
    const asked = apps.reduce((sum, { rate, cost }) => sum + rate * (cost[resource] ?? 0), 0);
    const part = has > 0 ? asked / has : 0;
    if (part > most) [most, found] = [part, resource];
  }
  return found;
}
