/** Step G: the instances stand, the loads are made as good as they can be: fair, then as much as possible, then balanced. */
import { isFlow } from '../model.ts';
import type { CellRate } from '../plan.ts';
import type { Optimizer } from '../program/linear-program.ts';
import { byWorth } from '../search/deficits.ts';
import { Flow } from '../search/flow.ts';
import type { State } from '../state/state.ts';
import { ascend } from './barrier.ts';
import { type Cells, cellsOf, loadsOf, setLoads } from './cells.ts';
import { shareFairly } from './fair-shares.ts';
import { optimalLoads } from './load-program.ts';
import { fillLevel } from './water-filling.ts';
import { factorsAt, hasTheta, withTheta } from './with-theta.ts';

export interface FinishOptions {
  readonly optimizer: Optimizer | null;
  readonly secondsLeft: () => number;
  readonly fair: boolean;
}

export interface Finished {
  /** s: the least part of a column's demand that is served, of those that have an instance. */
  readonly fairness: number;
  /** sum v * served. */
  readonly value: number;
  /** Where they differ from the state's, which are with theta = 1. */
  readonly loads: readonly CellRate[] | null;
  /** o * m per instance and resource at these loads. */
  readonly factor: Float64Array;
}

export function finishLoads(state: State, options: FinishOptions): Finished {
  const { model } = state;
  const order = byWorth(model);
  const flow = new Flow(state);
  const expired = (): boolean => options.secondsLeft() <= 0;
  if (isFlow(model)) {
    if (options.fair) shareFairly(state, flow, order, expired);
    fillLevel(state);
    return asItIs(state);
  }
  const cells = cellsOf(state);
  if (!byProgram(state, cells, options)) {
    if (options.fair) shareFairly(state, flow, order, expired);
    ascend(state, cells, expired);
  }
  flow.serveAll(order);
  const present = loadsOf(state, cells);
  if (!hasTheta(model) || options.optimizer === null) return asItIs(state);

  const { optimizer } = options;
  const loads = withTheta(state, cells, present, (factor) =>
    optimalLoads(state, cells, {
      optimizer,
      timeLimit: () => Math.min(PROGRAM_SECONDS, options.secondsLeft()),
      factor,
      fair: options.fair,
    }),
  );
  const served = new Float64Array(model.columnCount);
  for (const [at, load] of loads.entries()) served[cells.column[at]!]! += load;
  const factor = factorsAt(state, cells, loads);
  const value = served.reduce((sum, rate, j) => sum + rate * model.value[j]!, 0);
  return { fairness: leastServed(state, served), value, loads: ratesOf(state, cells, loads), factor };
}

function asItIs(state: State): Finished {
  return { fairness: leastServed(state, state.served), value: state.value, loads: null, factor: state.pool.factor };
}

/** A load program that takes longer is worth less than what the barrier does in that time. */
const PROGRAM_SECONDS = 30;

function byProgram(state: State, cells: Cells, { optimizer, secondsLeft, fair }: FinishOptions): boolean {
  if (optimizer === null) return false;
  const timeLimit = (): number => Math.min(PROGRAM_SECONDS, secondsLeft());
  const loads = optimalLoads(state, cells, { optimizer, timeLimit, factor: state.pool.factor, fair });
  if (loads === null) return false;
  setLoads(state, cells, loads);
  return true;
}

function leastServed({ model, instances }: State, served: Float64Array): number {
  let least = 1;
  for (let j = 0; j < model.columnCount; j++) {
    if (model.rate[j]! > 0 && instances[model.workloadOf[j]!]! > 0)
      least = Math.min(least, served[j]! / model.rate[j]!);
  }
  return least;
}

function ratesOf({ pool }: State, cells: Cells, loads: Float64Array): CellRate[] {
  return Array.from(loads, (rate, at) => ({
    host: pool.host[cells.instance[at]!]!,
    column: cells.column[at]!,
    rate,
  }));
}
