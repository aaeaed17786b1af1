/**
 * How well an instance of a workload would stand on a host (placement.md 3 C): how much of what is missing it could serve,
 * minus what it would leave lopsided, minus what it would waste, minus the costs of neighbours that it would raise; plus
 * how well its needs are of the shape of what is left.
 */
import { chi } from '../conflicts.ts';
import { NONE, type State } from '../state/state.ts';
import { deficitOf } from './deficits.ts';

const LOPSIDED = 0.15;
const WASTED = 0.05;
const ALIGNED = 0.5;

export class Fit {
  readonly #state: State;
  /** Needs of the workload that is asked about, per resource. */
  readonly #need: Float64Array;
  readonly #meanCapacity: Float64Array;
  #workload = NONE;
  /** The resource that it needs most of, measured by a mean host; NONE: it needs nothing. */
  dominant = NONE;
  /** By resource the part of a host that is kept for workloads that need another one most; null: none is. */
  reserve: Float64Array | null = null;
  /** Its needs as a part of a mean host. */
  size = 0;
  /** Set by `score`: part of the need that the host would serve. */
  taken = 0;

  constructor(state: State) {
    const { resourceCount: R, capacity, hostCount } = state.model;
    this.#state = state;
    this.#need = new Float64Array(R);
    this.#meanCapacity = new Float64Array(R);
    for (let at = 0; at < capacity.length; at++) this.#meanCapacity[at % R]! += capacity[at]! / hostCount;
  }

  /** From here on `score` is about a part of what is missing of this workload, or of all that it is asked for. */
  ask(workload: number, part = 1, all = false): void {
    const { model, target } = this.#state;
    const R = model.resourceCount;
    this.#workload = workload;
    this.#need.fill(0);
    for (let j = model.firstColumn[workload]!; j < model.firstColumn[workload + 1]!; j++) {
      const missing = (all ? target[j]! : deficitOf(this.#state, j)) * part;
      if (missing > 0) for (let r = 0; r < R; r++) this.#need[r]! += missing * model.cost[j * R + r]!;
    }
    this.size = 0;
    this.dominant = NONE;
    for (let r = 0; r < R; r++) {
      const size = this.#need[r]! / this.#meanCapacity[r]! || 0;
      if (size > this.size) [this.size, this.dominant] = [size, r];
    }
  }

  /** What is left of a host, as a part of a mean host: of the resource that is scarcest there. */
  left(host: number, amounts: Float64Array = this.#state.residual): number {
    const { model } = this.#state;
    const R = model.resourceCount;
    let left = Number.POSITIVE_INFINITY;
    for (let r = 0; r < R; r++) {
      const mean = this.#meanCapacity[r]!;
      if (mean > 0) left = Math.min(left, amounts[host * R + r]! / (mean * model.inflation[host]!));
    }
    return Math.max(0, left);
  }

  /** -Infinity where it cannot stand there without overloading the host. `mayStart` is the caller's to ask. */
  score(host: number): number {
    const { model, residual, memoryLeft } = this.#state;
    const R = model.resourceCount;
    const a = this.#workload;
    let taken = 1;
    let raised = 0;
    let dot = 0;
    let needs = 0;
    let lefts = 0;
    for (let r = 0; r < R; r++) {
      const capacity = model.capacity[host * R + r]!;
      const { factor, extra } = this.#meeting(host, r);
      const kept = this.reserve !== null && r === this.dominant ? this.reserve[r]! * capacity : 0;
      const room = residual[host * R + r]! - model.idle[a * R + r]! - extra - kept;
      if (room < 0) return Number.NEGATIVE_INFINITY;
      const use = this.#need[r]! * factor;
      if (use > 0) taken = Math.min(taken, room / use);
      if (capacity === 0) continue;
      raised = Math.max(raised, extra / capacity);
      const [x, y] = [use / capacity, room / capacity];
      dot += x * y;
      needs += x * x;
      lefts += y * y;
    }
    this.taken = taken;
    let emptiest = 1;
    for (let r = 0; r < R; r++) {
      const capacity = model.capacity[host * R + r]!;
      if (capacity === 0) continue;
      const use = taken * this.#need[r]! * model.inflation[host]!;
      emptiest = Math.min(emptiest, Math.max(0, residual[host * R + r]! - use) / capacity);
    }
    const memory = model.memory[host]!;
    const memoryPart =
      memory > 0 && Number.isFinite(memory) ? (memoryLeft[host]! - model.request[a]!) / memory : emptiest;
    const aligned = R > 1 && needs > 0 && lefts > 0 ? ALIGNED * (dot / Math.sqrt(needs * lefts)) : 0;
    return (
      taken - LOPSIDED * Math.abs(emptiest - memoryPart) - (taken === 1 ? WASTED * emptiest : 0) - raised + aligned
    );
  }

  /** Its factor there, and by how much its neighbours would use more. */
  #meeting(host: number, r: number): { factor: number; extra: number } {
    const { model, pool } = this.#state;
    const { conflicts, resourceCount: R, classCount: K } = model;
    const inflation = model.inflation[host]!;
    if (conflicts === null) return { factor: inflation, extra: 0 };
    const a = this.#workload;
    let factor = inflation;
    let extra = 0;
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      const b = pool.workload[i]!;
      factor += inflation * chi(conflicts, a, b, r);
      const more = chi(conflicts, b, a, r);
      if (more === 0) continue;
      const first = model.firstColumn[b]!;
      for (let j = first; j < model.firstColumn[b + 1]!; j++) {
        extra += more * inflation * pool.load[i * K + j - first]! * model.cost[j * R + r]!;
      }
    }
    return { factor, extra };
  }
}
