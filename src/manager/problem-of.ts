/**
 * A matrix and what is known of it → a problem for the solver. Where an app runs is given by the cells of the rows, and is
 * not in question here: what is asked for is the load of each cell.
 */
import { type AppWeightMatrixSpec, DEFAULT_PLACEMENT } from '../api/app-weight-matrix.ts';
import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import type { AppProfile, Concurrency, MatrixProfile } from '../model/profiles.ts';
import type { Amounts, ColumnSpec, HostSpec, LoadSpec, Problem, WorkloadSpec } from '../placement/problem/problem.ts';
import { concurrencies, conflictsOfApps } from './added-costs.ts';
import { intervalOf } from './interval.ts';
import { type LearnedCosts, learnedCosts } from './learned-costs.ts';
import type { ServerFacts } from './servers.ts';

export interface ProblemInputs {
  readonly spec: AppWeightMatrixSpec;
  /** The weights in force, for the cells of spec.rows. */
  readonly rows: Rows;
  /** By the names that the rows have; one that is missing does not exist. */
  readonly servers: ReadonlyMap<string, ServerFacts>;
  /** Null: nothing is known of the apps. */
  readonly profile: MatrixProfile | null;
  /** Whether a cell takes no work now: its endpoints are out. */
  readonly isOut: (server: string, app: string) => boolean;
  /** What other matrices' apps use of the servers. */
  readonly usedByOthers: ReadonlyMap<string, Amounts>;
}

/** A problem, and what of the hosts it leaves to others. */
export interface Planned {
  readonly problem: Problem;
  /** By host: all that it can do, and what others use of it. The problem's capacities are the difference. */
  readonly whole: ReadonlyMap<string, Amounts>;
  readonly others: ReadonlyMap<string, Amounts>;
  /** By host: requests in flight that are divided as caps; null: caps are not asked for. */
  readonly atOnce: ReadonlyMap<string, number> | null;
  /** By app: seconds of a request that is alone, where that is learned. */
  readonly alone: ReadonlyMap<string, number>;
}

export type Posed =
  | { readonly ok: true; readonly planned: Planned }
  /** What is missing, or cannot be, each with its name and what to do about it. */
  | { readonly ok: false; readonly lacks: readonly string[] };

export function problemOf(inputs: ProblemInputs): Posed {
  const { spec, servers, usedByOthers } = inputs;
  const lacks: string[] = [];
  const costs = costsOf(inputs);
  const apps = spec.apps.flatMap((app) => liveApp(app, inputs, costs, lacks) ?? []);
  if (apps.length === 0 && lacks.length === 0) lacks.push(NO_DEMAND);
  const needed = resourcesByHost(apps);
  const hosts = [...needed].map(([name, resources]) => {
    const { capacity } = servers.get(name)!;
    for (const resource of resources) {
      if (capacity[resource] === undefined)
        lacks.push(`RealServer ${name}: its capacity of ${resource} is not given: give spec.capacity.${resource}`);
    }
    return hostSpec(name, capacity, usedByOthers.get(name) ?? {}, resources);
  });
  const { changeCost, utilization, caps } = spec.placement ?? DEFAULT_PLACEMENT;
  const atOnce = caps === 'Computed' ? requestsOf(hosts, servers, lacks) : null;
  if (lacks.length > 0) return { ok: false, lacks };
  const inflight = costs.kappa > 0 ? concurrencies(hosts, apps, inflightOf(inputs.profile)) : null;
  const problem: Problem = {
    hosts: hosts.map((host) => ({ ...host, concurrency: inflight?.get(host.name) ?? null })),
    workloads: apps.map((app) => workloadSpec(app, costs.pressureRate.get(app.workload) ?? null)),
    columns: apps.map((app) => columnSpec(app, app.name)),
    conflicts: conflictsOfApps(costs.conflicts, apps),
    kappa: costs.kappa > 0 ? { default: costs.kappa } : {},
    current: apps.flatMap(({ name, cells }) =>
      [...cells.keys()].map((host) => ({ host, workload: name, instances: 1 })),
    ),
    load: apps.flatMap(loadSpecs),
    options: { changeCost: Number(changeCost), utilization: Number(utilization), fairness: true, maxChanges: 0 },
  };
  const whole = new Map(hosts.map(({ name }) => [name, servers.get(name)!.capacity]));
  const alone = new Map(
    apps.flatMap(({ name, profile: { concurrency } }) =>
      concurrency === null ? [] : [[name, secondsAlone(concurrency)] as const],
    ),
  );
  return { ok: true, planned: { problem, whole, others: usedByOthers, atOnce, alone } };
}

/** Seconds of a request with nothing else in flight at its endpoint, as its throughput was learned. */
function secondsAlone({ coefficients: [c0, c1, c2], knee }: Concurrency): number {
  const more = Math.max(0, 1 - knee);
  return c0 + c1 * more + c2 * more * more;
}

function requestsOf(
  hosts: readonly HostSpec[],
  servers: ProblemInputs['servers'],
  lacks: string[],
): ReadonlyMap<string, number> {
  return new Map(
    hosts.flatMap(({ name }) => {
      const { requests } = servers.get(name)!;
      if (requests !== null) return [[name, requests] as const];
      lacks.push(
        `RealServer ${name}: how many requests it takes at once is not given, and caps are to be computed: give spec.capacity.requests`,
      );
      return [];
    }),
  );
}

const NO_DEMAND = 'nothing is asked of any app: no requests were seen, and no spec.apps[].demand.rate is given';

/** Intervals for which a demand that is not seen any more (no rule leads to the app, say) is believed. */
const STALE = 2;

/** What is asked of an app, and what that takes. */
export interface AskedApp {
  readonly name: string;
  /** Whose class it is. Apps of one workload share its instances, and do not disturb each other. */
  readonly workload: string;
  readonly rate: number;
  readonly cost: Amounts;
  readonly value: number | null;
  readonly profile: AppProfile;
}

interface LiveApp extends AskedApp {
  /** Weights of the cells that take work. */
  readonly cells: ReadonlyMap<string, number>;
}

/** Null: nothing is asked of it, or it runs nowhere; its weights stay as they are. */
function liveApp(
  app: AppWeightMatrixSpec['apps'][number],
  inputs: ProblemInputs,
  costs: LearnedCosts,
  lacks: string[],
): LiveApp | null {
  const { rows, servers, isOut } = inputs;
  const cells = new Map(
    [...(columnsOf(rows).get(app.name) ?? [])].filter(
      ([server, weight]) => weight > 0 && servers.get(server)?.quiesced === false && !isOut(server, app.name),
    ),
  );
  const asked = askedApp(app, inputs, costs, { isServed: cells.size > 0, lacks });
  return asked === null ? null : { ...asked, cells };
}

/**
 * Null: nothing is asked of it, or what is known of it cannot be, which is added to `lacks`.
 * `isServed`: a cost is needed, since it takes requests, or is to.
 */
export function askedApp(
  { name, value, workloadRef }: AppWeightMatrixSpec['apps'][number],
  { spec, profile }: Pick<ProblemInputs, 'spec' | 'profile'>,
  costs: LearnedCosts,
  { isServed, lacks }: { readonly isServed: boolean; readonly lacks: string[] },
): AskedApp | null {
  const known = profile?.apps.find(({ app }) => app === name);
  if (known === undefined) return null;
  const { demand } = known;
  const figures = [
    ['demand', demand.value],
    ...Object.entries(known.cost).map(([of, { upper }]) => [of, upper]),
  ] as const;
  const absurd = figures.find(([, amount]) => !(Number.isFinite(amount) && Number(amount) >= 0));
  if (absurd !== undefined) {
    lacks.push(`app ${name}: its ${absurd[0]} is said to be ${absurd[1]}, which cannot be`);
    return null;
  }
  const isAsked = demand.source !== 'default' && demand.value > 0 && (demand.age ?? 0) <= STALE * intervalOf(spec);
  if (!isAsked || !isServed) return null;
  const cost = Object.fromEntries(
    Object.entries(costs.cost.get(name) ?? {}).flatMap(([resource, each]) => (each > 0 ? [[resource, each]] : [])),
  );
  if (Object.keys(cost).length === 0) {
    lacks.push(`app ${name}: the cost of a request is neither given nor learned: give spec.apps[].profile.cpu`);
    return null;
  }
  const worth = value === undefined ? null : Number(value);
  return {
    name,
    workload: workloadRef?.name ?? name,
    rate: demand.value,
    cost,
    value: worth,
    profile: known,
  };
}

const NO_COSTS: LearnedCosts = { cost: new Map(), conflicts: [], pressureRate: new Map(), kappa: 0 };

export function costsOf({ spec, rows, profile, isOut }: Omit<ProblemInputs, 'servers' | 'usedByOthers'>): LearnedCosts {
  if (profile === null) return NO_COSTS;
  const workloads = new Map(spec.apps.map(({ name, workloadRef }) => [name, workloadRef?.name ?? name]));
  const hosts = rows.filter(({ server, weights }) =>
    weights.some(({ app, weight }) => weight > 0 && !isOut(server, app)),
  ).length;
  return learnedCosts(profile, (app) => workloads.get(app) ?? app, hosts === 0 ? 0 : inflightOf(profile) / hosts);
}

/** Of all servers, by Little's law; 0: of none of the apps it is known what an answer takes. */
export function inflightOf(profile: MatrixProfile | null): number {
  return (profile?.apps ?? []).reduce((sum, { demand, seconds }) => sum + demand.value * (seconds?.value ?? 0), 0);
}

function resourcesByHost(apps: readonly LiveApp[]): Map<string, Set<string>> {
  const needed = new Map<string, Set<string>>();
  for (const { cells, cost } of apps) {
    for (const host of cells.keys()) {
      let resources = needed.get(host);
      if (resources === undefined) needed.set(host, (resources = new Set()));
      for (const resource of Object.keys(cost)) resources.add(resource);
    }
  }
  return needed;
}

/** What is left of a host's capacity. */
export function leftOf(capacity: Amounts, used: Amounts, resources: Iterable<string>): Amounts {
  const left = [...resources].map((resource) => [
    resource,
    Math.max(0, (capacity[resource] ?? 0) - (used[resource] ?? 0)),
  ]);
  return Object.fromEntries(left) as Amounts;
}

function hostSpec(name: string, capacity: Amounts, used: Amounts, resources: ReadonlySet<string>): HostSpec {
  return {
    name,
    class: 'default',
    capacity: leftOf(capacity, used, resources),
    memory: Number.POSITIVE_INFINITY,
    pods: Number.POSITIVE_INFINITY,
    concurrency: null,
  };
}

/** One that stays where it is: as many instances as it has cells, no more and no fewer. */
function workloadSpec({ name, cells }: LiveApp, pressureRate: number | null): WorkloadSpec {
  return {
    name,
    memory: 0,
    idle: {},
    sensitivity: {},
    pressure: {},
    pressureRate,
    minInstances: cells.size,
    maxInstances: cells.size,
    maxPerHost: 1,
    hosts: [...cells.keys()],
    apart: [],
    startSeconds: 0,
  };
}

/** @param workload what runs it; one of its own where instances are not in question */
export function columnSpec({ name, rate, cost, value, profile }: AskedApp, workload: string): ColumnSpec {
  const { seconds, concurrency } = profile;
  return {
    name,
    workload,
    rate,
    cost,
    value,
    seconds: seconds === null || seconds.value <= 0 ? null : seconds.value,
    concurrency: concurrency?.peaked === true ? concurrency.limit.value : null,
  };
}

function loadSpecs({ name, rate, cells }: LiveApp): LoadSpec[] {
  const sum = [...cells.values()].reduce((total, weight) => total + weight, 0);
  return [...cells].map(([host, weight]) => ({ host, column: name, rate: (rate * weight) / sum, weight }));
}
