/**
 * The solver: steps A to H of placement.md 3, in order. Pure: the same answer for the same seed where only rounds bound it;
 * time comes in as a function that says when it is over, and from then on the best that is known is finished and given
 * back.
 */
import { finishLoads, type Finished } from './load/finish-loads.ts';
import { isFlow, type Model } from './model.ts';
import type { CellRate } from './plan.ts';
import { allLoads, type Dropped, type Plan, planChanges, STRICT } from './plan.ts';
import { isSmall, solveExactly } from './program/exact.ts';
import type { Optimizer } from './program/linear-program.ts';
import { seededRandom } from './random.ts';
import { consolidate } from './search/consolidate.ts';
import { byDensity, byWorth } from './search/deficits.ts';
import { Flow } from './search/flow.ts';
import { improve } from './search/improve.ts';
import { prune } from './search/prune.ts';
import { Residual } from './search/residual.ts';
import { SubsetSearch } from './search/subset-search.ts';
import { warmStart } from './search/warm-start.ts';
import { NONE, type State } from './state/state.ts';

export interface SolveOptions {
  readonly seed?: number;
  /** Rounds of the subset search; default by size. */
  readonly rounds?: number;
  /** Seconds until the answer must be there; default: no bound. */
  readonly secondsLeft?: () => number;
  /** Of those, what is kept for the steps after the search, which cannot be left out; default 0. */
  readonly reserve?: number;
  /** For load programs and small clusters; null: none is to be had. */
  readonly optimizer?: Optimizer | null;
  /** Whether more is done than placing what is missing (steps A to C and G); default true. */
  readonly improve?: boolean;
  /** Whether small clusters are solved exactly, too; default true. */
  readonly exact?: boolean;
  /** Whether the way there is planned, and what has no safe way is left out; default true. false: where to, whatever the way. */
  readonly plan?: boolean;
  /** Called now and then, and whenever a step is done. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly step: 'start' | 'improve' | 'search' | 'prune' | 'exact' | 'plan' | 'load';
  /** Part of the step that is done. */
  readonly part: number;
  /** Value served, as a part of all demand's. */
  readonly satisfied: number;
}

export interface Solution {
  readonly state: State;
  readonly loads: readonly CellRate[];
  /** Growth of costs per instance and resource, [i * R + r], with the loads as they are. */
  readonly factor: Float64Array;
  /** null: nothing is known to run, and all instances are started; or none was asked for. */
  readonly plan: Plan | null;
  /** The largest s with every column that has an instance served at least s of its demand. */
  readonly fairness: number;
  /** V cannot be larger. */
  readonly provenOptimal: boolean;
}

const PASSES = 8;

export function solve(model: Model, options: SolveOptions = {}): Solution {
  const { optimizer = null, secondsLeft = () => Number.POSITIVE_INFINITY } = options;
  // The plan has a part of what is kept for after the search: without it nothing of the search would be done.
  const reserve = options.reserve ?? 0;
  const late = (): boolean => secondsLeft() <= reserve / 4;
  const tell = (step: Progress['step'], part: number, state: State): void =>
    options.onProgress?.({ step, part, satisfied: satisfied(state) });
  const expired = (): boolean => secondsLeft() <= (options.reserve ?? 0);

  let state = search(model, options, expired, tell);
  let provenOptimal = false;
  let best = 0;
  if (optimizer !== null && options.exact !== false && isSmall(model) && !expired()) {
    tell('exact', 0, state);
    finishLoads(state, { optimizer, secondsLeft, fair: false });
    const bound =
      options.secondsLeft === undefined ? { timeLimit: 3600, nodes: EXACT_NODES } : { timeLimit: 0.9 * secondsLeft() };
    const exact = solveExactly(model, state, optimizer, { ...bound, seed: options.seed ?? 1, gap: GAP });
    if (exact !== null && exact.state.objective() > state.objective()) ({ state } = exact);
    best = state.value;
    provenOptimal = exact?.proven === true && !model.conflicts?.pressureRate.some((rate) => rate > 0);
  }

  tell('load', 0, state);
  const finish = (of: State, kept: number): Finished =>
    finishLoads(of, { optimizer, secondsLeft: () => secondsLeft() - kept, fair: model.fairness });
  let finished = finish(state, (2 * reserve) / 3);
  let plan: Plan | null = null;
  if (model.current.length > 0 && options.plan !== false) {
    tell('plan', 0, state);
    const dropped: Dropped[] = [];
    // What is dropped changes what comes afterwards, and with it what must hold on the way: the last try asks for the most.
    for (const attempt of [1, 2, 3]) {
      const after = attempt === 3 ? STRICT : { share: finished.fairness, value: finished.value };
      // A second plan is to where the first one came: it is not cut short, or nothing would be left of either.
      plan = planChanges(model, instancesOf(state), after, attempt === 1 ? late : undefined);
      if (plan.asWanted) break;
      dropped.push(...plan.dropped);
      provenOptimal = false;
      ({ state } = plan);
      finished = finish(state, 0);
    }
    plan = { ...plan!, dropped };
  }
  tell('load', 1, state);
  const { fairness, loads, factor, value } = finished;
  // What fairness took from the sum is not proven to be the least that it had to.
  provenOptimal &&= value >= best - GAP * model.demandValue;
  return { state, loads: loads ?? allLoads(state), factor, plan, fairness, provenOptimal };
}

/** Without a deadline a bound by nodes, so that the answer does not depend on the clock. Most small clusters need fewer. */
const EXACT_NODES = 1000;
/** Relative distance to the bound at which an optimum counts as proven. */
const GAP = 1e-4;

/** Steps A to F. */
function search(
  model: Model,
  options: SolveOptions,
  expired: () => boolean,
  tell: (step: Progress['step'], part: number, state: State) => void,
): State {
  const state = warmStart(model);
  const flow = new Flow(state);
  const order = byWorth(model);
  flow.serveAll(order);
  const residual = new Residual(state);
  for (let a = 0; a < model.workloadCount; a++) if (model.minInstances[a]! > 0) residual.raiseToMinimum(a);
  if (!isFlow(model)) residual.placeMixed();
  residual.placeAll();
  flow.serveAll(order);
  tell('start', 1, state);

  if (options.improve === false) return state;
  for (let pass = 0; pass < PASSES && !expired() && byDensity(state).length > 0; pass++) {
    if (!improve(state, flow, expired)) break;
    residual.reindex();
    residual.placeAll();
    tell('improve', pass / PASSES, state);
  }
  const best = searchSubsets(state, flow, options, expired, tell);
  const last = best === state ? flow : new Flow(best);
  last.serveAll(order);
  prune(best, last, expired);
  if (model.changePrice > 0) consolidate(best, last, seededRandom(options.seed ?? 1), expired);
  tell('prune', 1, best);
  return best;
}

function searchSubsets(
  state: State,
  flow: Flow,
  options: SolveOptions,
  expired: () => boolean,
  tell: (step: Progress['step'], part: number, state: State) => void,
): State {
  const { rounds = defaultRounds(state.model), seed = 1 } = options;
  const timeLeft = partLeft(options);
  const subsets = new SubsetSearch(state, flow, seededRandom(seed));
  for (let round = 0; round < rounds && !subsets.done && !expired(); round++) {
    // It has cooled down when it ends, by whatever it ends.
    const left = Math.min(1 - round / rounds, timeLeft());
    subsets.round(left);
    if (round % 64 === 0) tell('search', 1 - left, state);
  }
  return subsets.best();
}

/** How much is left of the time that is left now for searching: 1 … 0; always 1 where there is no deadline. */
function partLeft({ secondsLeft, reserve = 0 }: SolveOptions): () => number {
  if (secondsLeft === undefined) return () => 1;
  const all = secondsLeft() - reserve;
  return () => (all > 0 ? Math.max(0, secondsLeft() - reserve) / all : 0);
}

/** About a second for small clusters, a few for large ones. Where costs are vectors a round is a quarter as long. */
function defaultRounds(model: Model): number {
  const rounds = Math.min(8000, 200 + 2 * model.hostCount);
  return isFlow(model) ? rounds : 4 * rounds;
}

function satisfied({ value, model }: State): number {
  return model.demandValue > 0 ? value / model.demandValue : 1;
}

/** Instances per workload * hosts + host. */
export function instancesOf({ model, pool }: State): Map<number, number> {
  const found = new Map<number, number>();
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      found.set(pool.workload[i]! * model.hostCount + host, pool.copies[i]!);
    }
  }
  return found;
}
