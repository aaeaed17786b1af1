/**
 * Step A: what runs now, kept as far as it may stay: instances that are still allowed and fit, loads cut down to today's
 * demands and capacities.
 */
import type { Model } from '../model.ts';
import { NONE, State } from '../state/state.ts';
import { shed } from './shed.ts';

export function warmStart(model: Model): State {
  const state = new State(model);
  keepInstances(state);
  keepLoads(state);
  return state;
}

/** Where a host has become too small, the instances that earn least for their memory are given up. */
function keepInstances(state: State): void {
  const { model } = state;
  const { current, hostCount, resourceCount: R } = model;
  const earned = new Map<number, number>();
  for (const { host, column, rate } of model.load) {
    const key = model.workloadOf[column]! * hostCount + host;
    earned.set(key, (earned.get(key) ?? 0) + rate * model.value[column]!);
  }
  const kept = Array.from({ length: current.length / 3 }, (_, at) => {
    const [a, host, copies] = [current[3 * at]!, current[3 * at + 1]!, current[3 * at + 2]!];
    const worth = (earned.get(a * hostCount + host) ?? 0) / Math.max(model.request[a]!, 1e-12);
    return { a, host, copies, worth };
  }).toSorted((x, y) => y.worth - x.worth || x.host - y.host || x.a - y.a);
  for (const { a, host, copies } of kept) {
    for (let copy = 0; copy < copies; copy++) {
      let fits = state.mayStart(host, a);
      for (let r = 0; r < R; r++) fits &&= state.residual[host * R + r]! >= model.idle[a * R + r]!;
      if (fits) state.start(host, a);
    }
  }
}

function keepLoads(state: State): void {
  const { model, pool } = state;
  const total = new Float64Array(model.columnCount);
  for (const { column, rate } of model.load) total[column]! += rate;
  for (const { host, column, rate } of model.load) {
    const a = model.workloadOf[column]!;
    const i = pool.find(host, a);
    if (i === NONE || total[column] === 0) continue;
    state.setLoad(i, column - model.firstColumn[a]!, rate * Math.min(1, model.rate[column]! / total[column]!));
  }
  for (let host = 0; host < model.hostCount; host++) shed(state, host);
}
