/**
 * A scenario as the product would know it: its cluster runs for some hours, what proxies and control groups count goes through
 * `src/learning`, and the profiles that come out are a document for the solver in place of the true one.
 */
import { ProfileBook } from '../../../src/learning/profile-book.ts';
import { learnedCosts } from '../../../src/manager/learned-costs.ts';
import type { MatrixProfile } from '../../../src/model/profiles.ts';
import type { Amounts } from '../../../src/placement/problem/problem.ts';
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { seededRandom } from '../../../src/placement/random.ts';
import { drawArrivals, mix } from '../../../src/simulation/arrivals.ts';
import { simulate } from '../../../src/simulation/simulate.ts';
import type { Document } from '../instances.ts';
import { type Caps, plannedCaps, uncapped } from './caps.ts';
import { type Placement, solved } from './placements.ts';
import { DISPATCHES } from './policies.ts';
import { type Scenario, TIMEOUT } from './scenarios.ts';
import { average } from './statistics.ts';
import { equalReplicas } from './today.ts';
import { worldOf } from './true-world.ts';
import { Watch } from './watch.ts';

/** Part of the reference that is offered while it learns, evenly: equal replicas bear that nearly everywhere. */
export const LEARNING_LOAD = 0.3;
const HOUR = 3600;
/** A seed of its own for each hour, beyond those of the runs and of the tuning. */
const FIRST_SEED = 2001;

/**
 * What is known after each of so many hours. The first goes by with equal replicas and least connections, as people run it; each
 * later one as it was planned from what was known then.
 */
export function learnedOver(
  hours: number,
  scenario: Scenario,
  reference: Document,
  optimizer: Optimizer,
): readonly Document[] {
  const book = new ProfileBook();
  const learned: Document[] = [];
  let [placement, caps, dispatch]: [Placement, Caps, 'WLC' | 'least connections'] = [
    equalReplicas(reference),
    uncapped(equalReplicas(reference)),
    'least connections',
  ];
  for (let hour = 0; hour < hours; hour++) {
    const { chooser, weighted } = DISPATCHES[dispatch];
    const cells = weighted
      ? caps.cells
      : caps.cells.map((cell, at) => ({ ...cell, weight: placement.cells[at]!.count }));
    const world = worldOf(scenario, reference, placement);
    const watch = new Watch({ world, document: reference, cells }, book, hour * HOUR);
    const seed = mix(scenario.number, FIRST_SEED + hour);
    simulate({
      world,
      arrivals: drawArrivals({
        seed,
        seconds: HOUR,
        rate: reference.columns.map(({ rate }) => LEARNING_LOAD * rate),
        cost: reference.columns.flatMap(({ cost }) => [cost['cpu']!, cost['io']!]),
        resourceCount: 2,
        sizes: scenario.sizes,
      }),
      dispatching: { cells, chooser, hostCaps: caps.hostCaps, reserve: caps.reserve },
      timeout: TIMEOUT,
      stops: false,
      warmUp: 0,
      random: seededRandom(seed),
      observer: watch,
    });
    const document = documentOf(reference, book.profile(watch.given, 1000 * (hour + 1) * HOUR, false));
    placement = solved(document, '+ concurrency', optimizer);
    caps = plannedCaps(document, placement);
    dispatch = 'WLC';
    learned.push(document);
  }
  return learned;
}

/** What is given (hosts, memory, where what may run) stays; what requests are and do is what was learned. */
function documentOf(reference: Document, profile: MatrixProfile): Document {
  const workloads = new Map(reference.columns.map(({ name, workload }) => [name, workload]));
  const inflight = profile.apps.reduce((sum, { demand, seconds }) => sum + demand.value * (seconds?.value ?? 0), 0);
  const { cost, conflicts, pressureRate, kappa } = learnedCosts(
    profile,
    (app) => workloads.get(app)!,
    inflight / reference.hosts.length,
  );
  const anywhere = meanOf([...cost.values()].filter(isKnown));
  return {
    hosts: reference.hosts,
    workloads: reference.workloads.map(({ sensitivity: _s, pressure: _p, ...workload }) => {
      const rate = pressureRate.get(workload.name);
      return rate === undefined ? workload : { ...workload, pressureRate: rate };
    }),
    columns: reference.columns.map(({ name, workload }, at) => {
      const known = cost.get(name);
      const { demand } = profile.apps[at]!;
      return {
        name,
        workload,
        rate: Math.max(demand.value, LEAST_RATE) / LEARNING_LOAD,
        cost: known !== undefined && isKnown(known) ? { ...known } : anywhere,
      };
    }),
    conflicts: [...conflicts],
    kappa: { default: kappa },
  };
}

/** Of a column of which nothing was ever seen: about one request in the hour. */
const LEAST_RATE = 1 / HOUR;

const isKnown = (cost: Amounts): boolean => Object.values(cost).some((each) => each > 0);

/** What stands in where not even another class of the workload is known. */
function meanOf(costs: readonly Amounts[]): Record<string, number> {
  const mean = (resource: string): number => average(costs.map((each) => each[resource] ?? 0));
  return { cpu: mean('cpu'), io: mean('io') };
}
