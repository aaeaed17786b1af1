/** What is asked for and not served, by workload. */
import type { Model } from '../model.ts';
import type { State } from '../state/state.ts';

/** Below this part of a column's rate nothing is missing. */
const LEAST = 1e-9;

export function deficitOf(state: State, j: number): number {
  const missing = state.target[j]! - state.served[j]!;
  return missing > LEAST * state.model.rate[j]! ? missing : 0;
}

/** sum v * deficit over the columns of a workload. */
export function deficitValue(state: State, a: number): number {
  const { model } = state;
  let sum = 0;
  for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) sum += model.value[j]! * deficitOf(state, j);
  return sum;
}

/**
 * Workloads with a deficit that is worth more than a change costs (or that have no instance at all), the most value per
 * byte of an instance first (Kimbrel et al. 2005, density).
 */
export function byDensity(state: State): number[] {
  const { model } = state;
  const found: { a: number; density: number }[] = [];
  for (let a = 0; a < model.workloadCount; a++) {
    const value = deficitValue(state, a);
    if (value <= 0 || (value <= model.changePrice && state.instances[a]! > 0)) continue;
    found.push({ a, density: density(model, a, value) });
  }
  return found.toSorted((x, y) => y.density - x.density || x.a - y.a).map(({ a }) => a);
}

/** Value per part of a mean host's memory; a workload that needs none goes before all that need some. */
export function density(model: Model, a: number, value: number): number {
  const request = model.request[a]!;
  return request > 0 ? value / request : value * 1e15;
}

/** Columns in the order in which capacity is given to them: value per dominant share, the highest first. */
export function byWorth({ columnCount, value, share }: Model): Int32Array {
  const worth = Float64Array.from(value, (v, j) => (share[j]! > 0 ? v / share[j]! : 0));
  return Int32Array.from({ length: columnCount }, (_, j) => j).toSorted((a, b) => worth[b]! - worth[a]! || a - b);
}
