/** A placement problem with what runs, as a world that can be simulated. */
import { chi } from '../placement/conflicts.ts';
import { compileModel } from '../placement/model.ts';
import type { InstanceSpec, Problem } from '../placement/problem/problem.ts';
import { weightsOf } from '../placement/weights.ts';
import type { Cell } from './dispatcher.ts';
import type { World } from './world.ts';

/** What idle use leaves at least: a host that has none of a resource would never end anything. */
const LEAST = 1e-9;

export interface Simulated {
  readonly world: World;
  readonly cells: readonly Cell[];
  /** As the world counts them. */
  readonly hosts: readonly string[];
  readonly columns: readonly string[];
  readonly resources: readonly string[];
  /** Requests/s and mean work, [j * R + r]. */
  readonly rate: Float64Array;
  readonly cost: Float64Array;
}

/**
 * What runs is the problem's `current`, by the weights and caps of its `load`; a column without any has equal weights per instance. All of a
 * host's capacity is there, whatever part of it is planned with, but for what idle instances use; conflicts are felt as soon as
 * a neighbour runs.
 * @param acceptsEach requests that an instance works on at once; the problem file has no bound of it
 */
export function simulatedProblem(problem: Problem, acceptsEach: number): Simulated {
  const model = compileModel(problem);
  const { conflicts, hostCount: H, workloadCount: W, resourceCount: R, columnCount } = model;
  const hostAt = new Map(model.hostNames.map((name, at) => [name, at]));
  const workloadAt = new Map(model.workloadNames.map((name, at) => [name, at]));
  const accepts = new Int32Array(H * W);
  const capacity = model.capacity.map((planned) => planned / problem.options.utilization);
  for (const { host, workload, instances } of problem.current ?? []) {
    const [h, a] = [hostAt.get(host)!, workloadAt.get(workload)!];
    accepts[h * W + a]! += instances * acceptsEach;
    for (let r = 0; r < R; r++) capacity[h * R + r]! -= instances * model.idle[a * R + r]!;
  }
  return {
    world: {
      resourceCount: R,
      hostCount: H,
      workloadCount: W,
      columnCount,
      capacity: capacity.map((left) => Math.max(left, LEAST)),
      most: Float64Array.from(model.resources, (resource) => (resource === 'cpu' ? 1 : Infinity)),
      kappa: Float64Array.from(problem.hosts, (host) => problem.kappa[host.class] ?? problem.kappa['default'] ?? 0),
      workloadOf: model.workloadOf,
      chi:
        conflicts === null
          ? null
          : Float64Array.from({ length: W * W * R }, (_, at) =>
              chi(conflicts, Math.floor(at / (W * R)), Math.floor(at / R) % W, at % R),
            ),
      pressureAt: 0,
      accepts,
    },
    cells: model.columnNames.flatMap((column, j) => {
      const workload = model.workloadNames[model.workloadOf[j]!]!;
      return cellsOf(problem, column, workload).map(({ host, weight, cap }) => {
        return { host: hostAt.get(host)!, column: j, weight, cap };
      });
    }),
    hosts: model.hostNames,
    columns: model.columnNames,
    resources: model.resources,
    rate: model.rate,
    cost: model.cost,
  };
}

/** Where a column's requests may go, with weights and caps: none of a place where no instance runs. */
function cellsOf(problem: Problem, column: string, workload: string): { host: string; weight: number; cap: number }[] {
  const running = (problem.current ?? []).filter((each) => each.workload === workload);
  const inForce = problem.load.filter((each) => each.column === column);
  if (inForce.length === 0)
    return running.map(({ host, instances }) => ({ host, weight: Math.min(instances, 65_535), cap: Infinity }));
  const given = inForce.some(({ weight }) => weight !== null);
  const weights = given
    ? inForce.map(({ weight }) => weight ?? 0)
    : weightsOf(inForce.map(({ host, rate }) => ({ name: host, load: rate, old: null })));
  const byHost = new Map(inForce.map(({ host, cap }, at) => [host, { weight: weights[at]!, cap: cap ?? Infinity }]));
  return running.map(({ host }: InstanceSpec) => ({ host, ...(byHost.get(host) ?? { weight: 0, cap: Infinity }) }));
}
