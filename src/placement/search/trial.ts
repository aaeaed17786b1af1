/** What the improving steps have in common: starting an instance with as much as it can take, giving one up. */
import { NONE, type State } from '../state/state.ts';
import { deficitOf, deficitValue } from './deficits.ts';
import type { Fit } from './fit.ts';

/** A gain below this part of all demand's value is rounding. */
export const LEAST_GAIN = 1e-10;

/** Starts an instance and gives it what is missing of its workload, as far as the host has room. */
export function startFull(state: State, host: number, a: number): number {
  const { model } = state;
  const i = state.start(host, a);
  fillInstance(state, i);
  return model.firstColumn[a + 1]! > model.firstColumn[a]! ? i : NONE;
}

export function fillInstance(state: State, i: number): void {
  const { model, pool } = state;
  const a = pool.workload[i]!;
  for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) {
    const taken = Math.min(deficitOf(state, j), state.room(i, j));
    if (taken > 0) state.addLoad(i, j - model.firstColumn[a]!, taken);
  }
}

/** Starts one where the fit says that it earns its price; whether it did. `fit.ask(a)` comes first. */
export function startIfWorth(state: State, fit: Fit, host: number, a: number): boolean {
  if (!state.mayStart(host, a) || state.pool.find(host, a) !== NONE) return false;
  if (fit.score(host) === Number.NEGATIVE_INFINITY) return false;
  const gain = deficitValue(state, a) * fit.taken - state.startPrice(host, a);
  if (gain <= LEAST_GAIN * state.model.demandValue) return false;
  startFull(state, host, a);
  return true;
}

/** Value per second of what an instance serves. */
export function earnings(state: State, i: number): number {
  const { model, pool } = state;
  const first = model.firstColumn[pool.workload[i]!]!;
  const classes = model.firstColumn[pool.workload[i]! + 1]! - first;
  let sum = 0;
  for (let k = 0; k < classes; k++) sum += model.value[first + k]! * pool.load[i * model.classCount + k]!;
  return sum;
}
