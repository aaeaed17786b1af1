/**
 * What a placement is compared with, one resource and memory: no change at all; the density greedy of Kimbrel et al. 2005
 * ("Dynamic placement for clustered web applications"); first fit decreasing from nothing. Each answers with a state.
 */
import type { Model } from '../../../src/placement/model.ts';
import { byDensity, byWorth, deficitValue } from '../../../src/placement/search/deficits.ts';
import { Flow } from '../../../src/placement/search/flow.ts';
import { fillInstance } from '../../../src/placement/search/trial.ts';
import { warmStart } from '../../../src/placement/search/warm-start.ts';
import { NONE, State } from '../../../src/placement/state/state.ts';

/** The instances that run, as much as flow can serve with them. */
export function noChange(model: Model): State {
  const state = warmStart(model);
  new Flow(state).serveAll(byWorth(model));
  return state;
}

/**
 * Machines by decreasing density of what they have left (capacity for memory), each filled with the apps of the densest
 * residual demand (demand for memory); what runs is kept.
 */
export function densityGreedy(model: Model): State {
  const state = noChange(model);
  for (const host of byResidualDensity(state)) fillHost(state, host, byDensity(state));
  new Flow(state).serveAll(byWorth(model));
  return state;
}

export function byResidualDensity({ model, residual, memoryLeft }: State): number[] {
  const density = Float64Array.from(memoryLeft, (left, host) => residual[host]! / Math.max(left, 1e-9));
  return Array.from({ length: model.hostCount }, (_, host) => host).toSorted(
    (a, b) => density[b]! - density[a]! || a - b,
  );
}

/** Starts what is missing on a host, in the order given, as long as it has capacity and memory. */
export function fillHost(state: State, host: number, order: readonly number[]): void {
  for (const a of order) {
    if (state.residual[host]! <= 1e-9) return;
    if (deficitValue(state, a) <= 0 || state.pool.find(host, a) !== NONE || !state.mayStart(host, a)) continue;
    fillInstance(state, state.start(host, a));
  }
}

/** Apps by decreasing demand, each on the first hosts that have memory and capacity, whatever runs now. */
export function firstFitDecreasing(model: Model): State {
  const state = new State(model);
  const demand = Float64Array.from({ length: model.workloadCount }, (_, a) => deficitValue(state, a));
  const order = Array.from({ length: model.workloadCount }, (_, a) => a).toSorted((a, b) => demand[b]! - demand[a]!);
  for (const a of order) {
    for (let host = 0; host < model.hostCount && deficitValue(state, a) > 0; host++) {
      if (state.residual[host]! > 1e-9 && state.mayStart(host, a)) fillInstance(state, state.start(host, a));
    }
  }
  return state;
}
