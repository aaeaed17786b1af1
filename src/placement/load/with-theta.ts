/**
 * Conflicts that grow with the neighbour's load: theta[h][b] = min(1, L / Lref). Presence (theta = 1) is always feasible and
 * is where one starts. From there the problem is bilinear, and plain iteration overloads hosts: each new L makes the
 * costs that it was computed with wrong. So one goes from the last feasible L towards each new one only as far as all
 * hosts hold with L's own theta.
 */
import { chi, theta } from '../conflicts.ts';
import type { Model } from '../model.ts';
import { NONE, type State } from '../state/state.ts';
import type { Cells } from './cells.ts';

const ROUNDS = 4;
const HALVINGS = 12;

/** @param solve loads for given factors; null: no answer */
export function withTheta(
  state: State,
  cells: Cells,
  loads: Float64Array,
  solve: (factor: Float64Array) => Float64Array | null,
): Float64Array {
  let best = loads;
  for (let round = 0; round < ROUNDS; round++) {
    const next = solve(factorsAt(state, cells, best));
    if (next === null) break;
    const reached = furthest(state, cells, best, next);
    if (valueOf(state.model, cells, reached) <= valueOf(state.model, cells, best) + 1e-7 * state.model.demandValue)
      break;
    best = reached;
  }
  return best;
}

/** Whether load makes a difference to conflicts at all. */
export function hasTheta({ conflicts }: Model): boolean {
  return conflicts !== null && conflicts.pressureRate.some((rate) => rate > 0);
}

/** o * m per instance and resource, with the theta that the loads have. */
export function factorsAt(state: State, cells: Cells, loads: Float64Array): Float64Array {
  const { model, pool } = state;
  const { conflicts, resourceCount: R } = model;
  const factors = pool.factor.slice();
  if (conflicts === null) return factors;
  const pressing = new Float64Array(pool.size);
  for (const [at, i] of cells.instance.entries()) pressing[i]! += loads[at]!;
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      for (let r = 0; r < R; r++) {
        let m = 1;
        for (let other = pool.firstOnHost[host]!; other !== NONE; other = pool.nextOnHost[other]!) {
          const b = pool.workload[other]!;
          if (other !== i) m += chi(conflicts, pool.workload[i]!, b, r) * theta(conflicts, b, pressing[other]!);
        }
        factors[i * R + r] = model.inflation[host]! * m;
      }
    }
  }
  return factors;
}

/** Whether all hosts hold, with the theta that the loads have. */
export function holds(state: State, cells: Cells, loads: Float64Array): boolean {
  const { model, pool } = state;
  const R = model.resourceCount;
  const factors = factorsAt(state, cells, loads);
  const left = model.capacity.slice();
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      for (let r = 0; r < R; r++) left[host * R + r]! -= pool.copies[i]! * model.idle[pool.workload[i]! * R + r]!;
    }
  }
  for (const [at, i] of cells.instance.entries()) {
    const host = pool.host[i]! * R;
    for (let r = 0; r < R; r++)
      left[host + r]! -= loads[at]! * model.cost[cells.column[at]! * R + r]! * factors[i * R + r]!;
  }
  return left.every((each, at) => each >= -1e-9 * model.capacity[at]!);
}

function furthest(state: State, cells: Cells, from: Float64Array, to: Float64Array): Float64Array {
  const at = (t: number): Float64Array => from.map((each, index) => each + t * (to[index]! - each));
  if (holds(state, cells, to)) return to;
  let [low, high] = [0, 1];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (holds(state, cells, at(middle))) low = middle;
    else high = middle;
  }
  return low === 0 ? from : at(low);
}

function valueOf(model: Model, cells: Cells, loads: Float64Array): number {
  let sum = 0;
  for (const [at, load] of loads.entries()) sum += load * model.value[cells.column[at]!]!;
  return sum;
}
