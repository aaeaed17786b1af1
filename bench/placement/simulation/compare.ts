/** A scenario under all policies, with the same requests for each. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { seededRandom } from '../../../src/placement/random.ts';
import { type Arrivals, drawArrivals, mix } from '../../../src/simulation/arrivals.ts';
import type { Outcome } from '../../../src/simulation/outcome.ts';
import { simulate } from '../../../src/simulation/simulate.ts';
import type { World } from '../../../src/simulation/world.ts';
import type { Document } from '../instances.ts';
import { type Caps, FIXED_CAPS, type FixedCap, fixedCaps, plannedCaps, queued, sharedCaps, uncapped } from './caps.ts';
import { type Findings, findingsOf } from './findings.ts';
import { learnedOver } from './learn.ts';
import { KNOWLEDGE, type Placement, solved } from './placements.ts';
import { DISPATCHES, type LearnedName, type PlacementName, type Policy } from './policies.ts';
import { referenceOf } from './reference.ts';
import { type Scenario, SECONDS, TIMEOUT, TUNING, WARM_UP } from './scenarios.ts';
import { autoscaled, equalReplicas } from './today.ts';
import { worldOf } from './true-world.ts';

/** Of one run: what part of the requests offered was answered in time, how long that took (ms; NaN: none was), and the worst column's part. */
export interface Run {
  readonly replied: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

export interface CompareOptions {
  readonly policies: readonly Policy[];
  readonly loads: readonly number[];
  /** Whether servers stop working on what clients gave up; default: they go on. */
  readonly stops?: boolean;
  /** Seconds in which requests come; default: the evaluation's. */
  readonly seconds?: number;
}

/** What there is to know of a scenario besides its runs. */
export interface Facts {
  readonly number: number;
  readonly plain: boolean;
  readonly hosts: number;
  readonly columns: number;
  /** Requests/s at 100 %. */
  readonly rate: number;
  /** By policy, what was best on the tuning seeds. */
  readonly fixed: Readonly<Record<string, FixedCap>>;
}

/** A scenario made ready: its placements are found once. null: not every workload finds room. */
export function prepare(scenario: Scenario, optimizer: Optimizer): Stage | null {
  const reference = referenceOf(scenario, optimizer);
  return reference === null ? null : new Stage(scenario, reference, optimizer);
}

/** The load at which fixed caps are tuned, one value for all loads. */
const TUNED_AT = 1.2;
const TUNING_SEEDS = [TUNING, TUNING + 1];

const HOURS: Readonly<Record<LearnedName, number>> = {
  'learned, 1 h': 1,
  'learned, 4 h': 4,
  'learned, 4 h, true demand': 4,
};
const MOST_HOURS = 4;

function withDemandOf(document: Document, { columns }: Document): Document {
  return { ...document, columns: document.columns.map((column, at) => ({ ...column, rate: columns[at]!.rate })) };
}

interface OneRun {
  readonly policy: Policy;
  readonly caps: Caps;
  readonly load: number;
  readonly seed: number;
  readonly arrivals: Arrivals;
  readonly options: CompareOptions;
}

export class Stage {
  readonly #tuned = new Map<string, FixedCap>();
  readonly #scenario: Scenario;
  readonly #reference: Document;
  readonly #solved: ReadonlyMap<string, Placement>;
  readonly #placements = new Map<string, Placement>();
  readonly #worlds = new Map<Placement, World>();
  readonly #caps = new Map<string, Caps>();
  readonly #optimizer: Optimizer;
  #learned: readonly Document[] | null = null;

  constructor(scenario: Scenario, reference: Document, optimizer: Optimizer) {
    this.#scenario = scenario;
    this.#reference = reference;
    this.#optimizer = optimizer;
    this.#solved = new Map(KNOWLEDGE.map((knowledge) => [knowledge, solved(reference, knowledge, optimizer)]));
  }

  get facts(): Facts {
    const { hosts, columns } = this.#reference;
    return {
      number: this.#scenario.number,
      plain: this.#scenario.plain,
      hosts: hosts.length,
      columns: columns.length,
      rate: columns.reduce((sum, { rate }) => sum + rate, 0),
      fixed: Object.fromEntries(this.#tuned),
    };
  }

  /** How far what was learned after the first and the last hour is from the truth. */
  get findings(): readonly [Findings, Findings] {
    return [
      findingsOf(this.#reference, this.#afterHours(1)),
      findingsOf(this.#reference, this.#afterHours(MOST_HOURS)),
    ];
  }

  /** Per policy and load; all policies have the same requests. */
  runs(seed: number, options: CompareOptions): Run[][] {
    const runs = options.policies.map((): Run[] => []);
    for (const load of options.loads) {
      const arrivals = this.#arrivals(load, seed, options);
      for (const [p, policy] of options.policies.entries()) {
        const caps = this.#capsOf(policy, load, options);
        runs[p]!.push(runOf(this.#run({ policy, caps, load, seed, arrivals, options })));
      }
    }
    return runs;
  }

  #arrivals(load: number, seed: number, { seconds = SECONDS }: CompareOptions): Arrivals {
    const { columns } = this.#reference;
    return drawArrivals({
      seed: mix(this.#scenario.number, seed),
      seconds,
      rate: columns.map(({ rate }) => load * rate),
      cost: columns.flatMap(({ cost }) => [cost['cpu']!, cost['io']!]),
      resourceCount: 2,
      sizes: this.#scenario.sizes,
    });
  }

  #run({ policy, caps, load, seed, arrivals, options }: OneRun): Outcome {
    const placed = this.#placementOf(policy.placement, load);
    const { chooser, weighted } = DISPATCHES[policy.dispatch];
    const cells = weighted ? caps.cells : caps.cells.map((cell, at) => ({ ...cell, weight: placed.cells[at]!.count }));
    return simulate({
      world: this.#worldOf(placed),
      arrivals,
      dispatching: { ...caps, cells, chooser },
      timeout: TIMEOUT,
      stops: options.stops === true,
      warmUp: Math.min(WARM_UP, (options.seconds ?? SECONDS) / 10),
      random: seededRandom(mix(this.#scenario.number, -seed)),
    });
  }

  #capsOf(policy: Policy, load: number, options: CompareOptions): Caps {
    const placed = this.#placementOf(policy.placement, load);
    const key = `${policy.name} ${policy.placement === 'autoscaled' ? load : ''}`;
    const known = this.#caps.get(key);
    if (known !== undefined) return known;
    const made = queued(this.#makeCaps(policy, placed, options), policy.queue);
    this.#caps.set(key, made);
    return made;
  }

  #makeCaps(policy: Policy, placed: Placement, options: CompareOptions): Caps {
    if (policy.cap === 'none') return uncapped(placed);
    const known = this.#learnedAs(policy.placement) ?? this.#reference;
    if (policy.cap === 'planned') return plannedCaps(known, placed);
    if (policy.cap === 'by share') return sharedCaps(known, placed);
    const cap = this.#tuned.get(policy.name) ?? this.#tune(policy, options);
    this.#tuned.set(policy.name, cap);
    return fixedCaps(this.#reference, placed, cap);
  }

  /** The fixed cap with which most is answered, on seeds of its own. */
  #tune(policy: Policy, options: CompareOptions): FixedCap {
    const placed = this.#placementOf(policy.placement, TUNED_AT);
    const sums = FIXED_CAPS.map(() => 0);
    for (const seed of TUNING_SEEDS) {
      const arrivals = this.#arrivals(TUNED_AT, seed, options);
      for (const [at, cap] of FIXED_CAPS.entries()) {
        const caps = queued(fixedCaps(this.#reference, placed, cap), policy.queue);
        sums[at]! += runOf(this.#run({ policy, caps, load: TUNED_AT, seed, arrivals, options })).replied;
      }
    }
    return FIXED_CAPS[sums.indexOf(Math.max(...sums))]!;
  }

  #placementOf(name: PlacementName, load: number): Placement {
    const key = name === 'autoscaled' ? `${name} ${load}` : name;
    const known = this.#solved.get(key) ?? this.#placements.get(key);
    if (known !== undefined) return known;
    const made = this.#place(name, load);
    this.#placements.set(key, made);
    return made;
  }

  #place(name: PlacementName, load: number): Placement {
    const learned = this.#learnedAs(name);
    if (learned !== null) return solved(learned, '+ concurrency', this.#optimizer);
    return name === 'autoscaled' ? autoscaled(this.#reference, load) : equalReplicas(this.#reference);
  }

  /** The document that a placement is made of; null: of the true one, or of none. */
  #learnedAs(name: PlacementName): Document | null {
    if (!(name in HOURS)) return null;
    const document = this.#afterHours(HOURS[name as LearnedName]);
    return name === 'learned, 4 h, true demand' ? withDemandOf(document, this.#reference) : document;
  }

  #afterHours(hours: number): Document {
    this.#learned ??= learnedOver(MOST_HOURS, this.#scenario, this.#reference, this.#optimizer);
    return this.#learned[hours - 1]!;
  }

  #worldOf(placed: Placement): World {
    const known = this.#worlds.get(placed);
    if (known !== undefined) return known;
    const made = worldOf(this.#scenario, this.#reference, placed);
    this.#worlds.set(placed, made);
    return made;
  }
}

function runOf({ offered, replied, columns, mean, p50, p99 }: Outcome): Run {
  const parts = columns.filter((each) => each.offered > 0).map((each) => each.replied / each.offered);
  return { replied: replied / offered, mean: 1000 * mean, p50: 1000 * p50, p99: 1000 * p99, worst: Math.min(...parts) };
}
