/**
 * What requests cost, measured on the stage: each app alone on a node, then beside each other one. The plan knows this, and nothing
 * of the knobs.
 */
import { drawArrivals } from '../../../src/simulation/arrivals.ts';
import type { Document } from '../instances.ts';
import { generate } from './generator.ts';
import type { Cell } from './manifests.ts';
import { chunks } from './rounds.ts';
import { type App, type Scenario, TUNING } from './scenarios.ts';
import type { Lane } from './stage.ts';

/** Of one request of mean size. */
export interface Cost {
  /** Core-seconds. */
  readonly cpu: number;
  /** Bytes read from the disk. */
  readonly io: number;
}

export interface Profile {
  readonly alone: Readonly<Record<string, Cost>>;
  /** [app][neighbour] */
  readonly beside: Readonly<Record<string, Readonly<Record<string, Cost>>>>;
}

/** Part of a node that each app is asked for: two of them fit on one. */
const ASKED = 0.4;
/** What a request costs beyond its work: the server around it. Only to choose a rate. */
const AROUND = 0.7;
const BLOCK = 65_536;
/** Less than this is not told from chance. */
const LEAST_CONFLICT = 0.25;

/** @param stages that can be used at the same time */
export async function measureProfile(scenario: Scenario, stages: readonly Lane[], seconds: number): Promise<Profile> {
  const { apps, nodes, blocks } = scenario;
  const equal = withEqualNodes(scenario);
  const singles = chunks(apps, nodes.length).map((some) => some.map((app) => [app]));
  const alone = await allMeasured(equal, singles, stages, seconds);
  // Apps without data have nothing that a neighbour could take from them.
  const pairs = blocks === 0 ? [] : matchings(apps);
  const together = await allMeasured(equal, pairs, stages, seconds);
  const beside: Record<string, Record<string, Cost>> = {};
  for (const [at, sets] of pairs.entries()) {
    for (const [one, other] of sets) {
      (beside[one.name] ??= {})[other.name] = together[at]!.get(one.name)!;
      (beside[other.name] ??= {})[one.name] = together[at]!.get(other.name)!;
    }
  }
  return { alone: Object.fromEntries(alone.flatMap((each) => [...each])), beside };
}

/** Nodes of the mean size. */
export function withEqualNodes(scenario: Scenario): Scenario {
  const { nodes } = scenario;
  const cpu = nodes.reduce((sum, node) => sum + node.cpu, 0) / nodes.length;
  return { ...scenario, nodes: nodes.map(({ name }) => ({ name, cpu })) };
}

/** As a problem file has it; rates are the parts of all requests. */
export function documentOf(scenario: Scenario, { alone, beside }: Profile): Document {
  const { nodes, apps, instancesPerNode, io } = scenario;
  const conflicts = Object.entries(beside).flatMap(([app, neighbours]) =>
    Object.entries(neighbours).flatMap(([neighbour, cost]) =>
      (['cpu', 'io'] as const).flatMap((resource) => {
        const factor = alone[app]![resource] > 0 ? cost[resource] / alone[app]![resource] - 1 : 0;
        return factor < LEAST_CONFLICT ? [] : [{ workload: app, with: neighbour, resource, factor }];
      }),
    ),
  );
  return {
    hosts: nodes.map(({ name, cpu }) => ({ name, capacity: { cpu, io }, memory: instancesPerNode })),
    workloads: apps.map(({ name }) => ({ name, memory: 1, minInstances: 1, maxPerHost: 1 })),
    columns: apps.map(({ name, part }) => ({ name, workload: name, rate: part, cost: { ...alone[name]! } })),
    conflicts,
  };
}

/** As many at the same time as there are stages. */
async function allMeasured(
  scenario: Scenario,
  all: readonly (readonly (readonly App[])[])[],
  stages: readonly Lane[],
  seconds: number,
): Promise<Map<string, Cost>[]> {
  const found: Map<string, Cost>[] = [];
  for (const some of chunks(all, stages.length)) {
    found.push(...(await Promise.all(some.map((sets, at) => measured(scenario, sets, stages[at]!, seconds)))));
  }
  return found;
}

/** Each set of apps on a node of its own, all asked for at once. */
async function measured(
  scenario: Scenario,
  sets: readonly (readonly App[])[],
  stage: Lane,
  seconds: number,
): Promise<Map<string, Cost>> {
  const cells = sets.flatMap((apps, at) =>
    apps.map((app): Cell => ({ node: scenario.nodes[at]!.name, app: app.name, weight: 1, cap: null })),
  );
  const apps = sets.flat();
  const performance = await stage.perform({
    scenario,
    cells,
    front: { dispatch: 'WLC', adaptive: false, queue: 'deadline' },
  });
  try {
    const arrivals = drawArrivals({
      seed: TUNING,
      seconds,
      rate: apps.map((app) => ASKED * mostOf(scenario, app)),
      cost: apps.map(() => 1),
      resourceCount: 1,
      sizes: 'exponential',
    });
    const before = performance.usage();
    await generate(
      arrivals,
      apps.map(({ name }) => name),
      performance.target,
    );
    const after = performance.usage();
    const work = apps.map(() => 0);
    for (let i = 0; i < arrivals.count; i++) work[arrivals.column[i]!]! += arrivals.work[i]!;
    const unasked = apps.find((_, at) => work[at] === 0);
    if (unasked !== undefined)
      throw new Error(`in ${seconds} s no request of ${unasked.name} came: measure for longer`);
    return new Map(
      apps.map(({ name }, at) => [
        name,
        { cpu: (after[at]!.cpu - before[at]!.cpu) / work[at]!, io: (after[at]!.io - before[at]!.io) / work[at]! },
      ]),
    );
  } finally {
    await performance.stop();
  }
}

/** Requests/s that a node could serve of an app, by its knobs. */
function mostOf({ nodes, io }: Scenario, { cpu, disk }: App): number {
  return Math.min(nodes[0]!.cpu / ((cpu + AROUND) / 1000), io / (disk * BLOCK));
}

/** All pairs of an even number of apps, as rounds in each of which every app has one neighbour (the circle method). */
export function matchings<T>(all: readonly T[]): [T, T][][] {
  const [fixed, ...others] = all;
  return others.map((_, round) => {
    const turned = [fixed!, ...others.slice(round), ...others.slice(0, round)];
    return Array.from({ length: all.length / 2 }, (_unused, at): [T, T] => [turned[at]!, turned.at(-1 - at)!]);
  });
}
