/**
 * What was learned of costs, as the solver takes it: the cost of a request with nothing else in flight, what neighbours add to
 * it, and what each further request in flight does.
 */
import type { AppProfile, Figure, MatrixProfile, WorkloadProfile } from '../model/profiles.ts';
import type { Amounts, ConflictSpec } from '../placement/problem/problem.ts';

export interface LearnedCosts {
  /** By app; upper 80 % bounds. */
  readonly cost: ReadonlyMap<string, Amounts>;
  /** Between workloads. */
  readonly conflicts: readonly ConflictSpec[];
  /** By workload, requests/s on one host at which its pressure is as it was at its busiest; one that is not there is not known. */
  readonly pressureRate: ReadonlyMap<string, number>;
  readonly kappa: number;
}

/** Standard errors that a figure must be away from 0 to be planned with. */
const CERTAIN = 3;

/**
 * A cost beside neighbours and a cost alone are two ways to say the same; what is added to it must fit it. So a resource of a
 * workload has its cost alone where anything certain is known of what adds to it, else its cost as things are.
 *
 * The solver knows one kappa for all; growth is known by workload and resource. kappa is their mean, by how much is used, and
 * costs are such that with `inflight` on the host each is what its own growth makes of it: kappa then says how hosts differ.
 *
 * @param workloadOf app → the workload whose class it is
 * @param inflight mean number of requests in flight on a host; 0: not known, and nothing is said of growth
 */
export function learnedCosts(
  { apps, workloads = [] }: MatrixProfile,
  workloadOf: (app: string) => string,
  inflight: number,
): LearnedCosts {
  const known = new Map(workloads.map((each) => [each.workload, each]));
  const classes = Map.groupBy(apps, ({ app }) => workloadOf(app));
  const others = Math.max(0, inflight - 1);
  const growthOf = (app: AppProfile, resource: string): number =>
    others === 0 || app.cost[resource]?.source !== 'learned'
      ? 0
      : certain(known.get(workloadOf(app.app))?.growth[resource]);
  const costs = apps.map((app) => {
    const workload = known.get(workloadOf(app.app));
    return Object.entries(app.cost).map(([resource, cost]) => {
      const growth = growthOf(app, resource);
      const alone = app.alone?.[resource];
      const adds = growth > 0 || addedTo(workload, resource).length > 0;
      const base =
        cost.source === 'learned' && adds && alone !== undefined && alone.upper > 0 ? alone.upper : cost.upper;
      return { resource, growth, amount: base * (1 + growth * others) };
    });
  });
  const kappa = meanGrowth(apps, costs);
  return {
    cost: new Map(
      apps.map(({ app }, at) => [
        app,
        Object.fromEntries(costs[at]!.map(({ resource, amount }) => [resource, amount / (1 + kappa * others)])),
      ]),
    ),
    conflicts: workloads.flatMap((workload) => conflictsOf(workload, classes.get(workload.workload) ?? [])),
    pressureRate: pressureRates(workloads, classes),
    kappa,
  };
}

interface Cost {
  readonly resource: string;
  readonly growth: number;
  readonly amount: number;
}

/** Each resource counts the same, whatever its unit. */
function meanGrowth(apps: readonly AppProfile[], costs: readonly (readonly Cost[])[]): number {
  const sums = new Map<string, { used: number; grown: number }>();
  for (const [at, { demand }] of apps.entries()) {
    for (const { resource, growth, amount } of costs[at]!) {
      const sum = sums.get(resource) ?? { used: 0, grown: 0 };
      sums.set(resource, sum);
      sum.used += demand.value * amount;
      sum.grown += demand.value * amount * growth;
    }
  }
  const means = [...sums.values()].flatMap(({ used, grown }) => (used > 0 ? [grown / used] : []));
  return means.length === 0 ? 0 : means.reduce((sum, each) => sum + each, 0) / means.length;
}

/** What an object gives counts as it is: nothing is added to that. */
function conflictsOf(workload: WorkloadProfile, own: readonly AppProfile[]): ConflictSpec[] {
  const given = new Set(
    own.flatMap(({ cost }) =>
      Object.entries(cost).flatMap(([resource, { source }]) => (source === 'given' ? [resource] : [])),
    ),
  );
  return workload.conflicts.flatMap(({ with: neighbour, resource, factor }) =>
    certain(factor) > 0 && !given.has(resource)
      ? [{ workload: workload.workload, with: neighbour, resource, factor: factor.value }]
      : [],
  );
}

function addedTo(workload: WorkloadProfile | undefined, resource: string): readonly unknown[] {
  return workload?.conflicts.filter((each) => each.resource === resource && certain(each.factor) > 0) ?? [];
}

/** A workload is as busy as it has been where so many come that, with the time that they take, so many are in flight. */
function pressureRates(
  workloads: readonly WorkloadProfile[],
  classes: ReadonlyMap<string, readonly AppProfile[]>,
): Map<string, number> {
  const rates = workloads.flatMap(({ workload, busiest }): [string, number][] => {
    const own = (classes.get(workload) ?? []).filter(({ seconds }) => seconds !== null);
    const rate = own.reduce((sum, { demand }) => sum + demand.value, 0);
    const inflight = own.reduce((sum, { demand, seconds }) => sum + demand.value * seconds!.value, 0);
    return busiest > 0 && inflight > 0 ? [[workload, (busiest * rate) / inflight]] : [];
  });
  return new Map(rates);
}

/** The value; 0 where chance alone might have made it. */
function certain(figure: Figure | undefined): number {
  return figure !== undefined && figure.value > CERTAIN * figure.error ? figure.value : 0;
}
