/**
 * Conflicts between workloads that share a host: chi[a][b][r] says how much more of resource r a request of a costs beside
 * b (placement.md 2). Factorised, chi = sensitivity[a][r] * pressure[b][r], and overridden pair by pair.
 */
import type { Amounts, Problem } from './problem/problem.ts';

export interface Conflicts {
  readonly resourceCount: number;
  /** [a * R + r] */
  readonly sensitivity: Float64Array;
  readonly pressure: Float64Array;
  /** By a * workloads + b: R factors that stand in place of the product. */
  readonly pairs: ReadonlyMap<number, Float64Array>;
  readonly workloadCount: number;
  /** Requests/s on one host from which on b's pressure is felt in full; 0: from its first instance on. */
  readonly pressureRate: Float64Array;
}

/** null where no workload disturbs another. */
export function compileConflicts(
  problem: Problem,
  resources: readonly string[],
  index: ReadonlyMap<string, number>,
): Conflicts | null {
  const { workloads } = problem;
  const resourceCount = resources.length;
  const rows = (of: (at: number) => Amounts): Float64Array =>
    Float64Array.from({ length: workloads.length * resourceCount }, (_, at) => {
      const resource = resources[at % resourceCount]!;
      return of(Math.floor(at / resourceCount))[resource] ?? 0;
    });
  const sensitivity = rows((at) => workloads[at]!.sensitivity);
  const pressure = rows((at) => workloads[at]!.pressure);
  const pairs = new Map<number, Float64Array>();
  const conflicts = {
    resourceCount,
    sensitivity,
    pressure,
    pairs,
    workloadCount: workloads.length,
    pressureRate: Float64Array.from(workloads, (each) => each.pressureRate ?? 0),
  };
  for (const each of problem.conflicts) {
    const a = index.get(each.workload)!;
    const b = index.get(each.with)!;
    const key = a * workloads.length + b;
    const factors = pairs.get(key) ?? Float64Array.from({ length: resourceCount }, (_, r) => chi(conflicts, a, b, r));
    factors[resources.indexOf(each.resource)] = each.factor;
    pairs.set(key, factors);
  }
  const some = sensitivity.some((s) => s > 0) && pressure.some((p) => p > 0);
  return some || pairs.size > 0 ? conflicts : null;
}

/** chi[a][b][r]; a workload does not disturb itself. */
export function chi(conflicts: Conflicts, a: number, b: number, r: number): number {
  if (a === b) return 0;
  const { pairs, sensitivity, pressure, resourceCount, workloadCount } = conflicts;
  if (pairs.size > 0) {
    const factors = pairs.get(a * workloadCount + b);
    if (factors !== undefined) return factors[r]!;
  }
  return sensitivity[a * resourceCount + r]! * pressure[b * resourceCount + r]!;
}

/** theta = min(1, L / Lref), or presence. */
export function theta(conflicts: Conflicts, b: number, load: number): number {
  const reference = conflicts.pressureRate[b]!;
  return reference === 0 ? 1 : Math.min(1, load / reference);
}
