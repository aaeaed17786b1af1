/** Step C: new instances for what flow could not serve, and for workloads below their minimum, each where it fits best. */
import type { Model } from '../model.ts';
import { NONE, type State } from '../state/state.ts';
import { byDensity, deficitOf, deficitValue } from './deficits.ts';
import { Fit } from './fit.ts';
import { HostIndex } from './host-index.ts';

/** Hosts that are looked at of those that have about the same left. */
const PER_BUCKET = 4;
/** Of what others need is kept so much, and of a host at most so much. */
const KEPT = 0.55;
const MOST_KEPT = 0.9;
/** An instance that would take less of a mean host waits for what is left when all have had their turn. */
const LEAST_PART = 0.05;

export class Residual {
  readonly #state: State;
  readonly #fit: Fit;
  readonly #index: HostIndex;

  constructor(state: State) {
    const { model } = state;
    this.#state = state;
    this.#fit = new Fit(state);
    this.#index = new HostIndex(model.hostCount, most(model, this.#fit), mostMemory(model));
    this.reindex();
  }

  /** After others have changed the state. */
  reindex(): void {
    for (let host = 0; host < this.#state.model.hostCount; host++) this.#update(host);
  }

  /**
   * As `placeAll`, where costs are vectors: of each host's resources a part is kept for those workloads that need another one
   * most. Else the first ones take all of one resource, and what is left of the others is of no use to anybody.
   */
  placeMixed(): void {
    const fit = this.#fit;
    fit.reserve = reserveOf(this.#state.model);
    for (const a of byDensity(this.#state)) {
      while (deficitValue(this.#state, a) > 0) {
        const host = this.hostForMissing(a);
        if (host === NONE || (fit.taken < 1 && fit.taken * fit.size < LEAST_PART)) break;
        this.#startAt(host, a, fit.taken);
      }
    }
    fit.reserve = null;
  }

  /** Places what is missing, the densest first, as long as an instance earns its price. */
  placeAll(): void {
    for (const a of byDensity(this.#state)) this.place(a);
  }

  place(a: number): void {
    while (deficitValue(this.#state, a) > 0) {
      const host = this.hostForMissing(a);
      if (host === NONE) return;
      this.#startAt(host, a);
    }
  }

  /** Starts what a workload lacks of its minimum; answers with what it lacks still. */
  raiseToMinimum(a: number): number {
    const { model, instances } = this.#state;
    while (instances[a]! < model.minInstances[a]!) {
      this.#fit.ask(a, 1 / (model.minInstances[a]! - instances[a]!));
      const host = this.#best(a, true);
      if (host === NONE) break;
      this.#startAt(host, a);
    }
    return Math.max(0, model.minInstances[a]! - instances[a]!);
  }

  /** Where a part of all that a workload is asked for would stand best, on a host that has none of it; NONE: nowhere. */
  hostFor(a: number, part: number): number {
    this.#fit.ask(a, part, true);
    return this.#best(a);
  }

  /** Where what is missing would earn more than its start costs; NONE: nowhere. */
  hostForMissing(a: number): number {
    const state = this.#state;
    this.#fit.ask(a);
    const host = this.#best(a);
    if (host === NONE) return NONE;
    this.#fit.score(host);
    const gain = deficitValue(state, a) * this.#fit.taken - state.startPrice(host, a);
    return gain > 1e-12 * state.model.demandValue ? host : NONE;
  }

  /** @param part of what is missing, at most */
  #startAt(host: number, a: number, part = 1): void {
    const state = this.#state;
    const { model } = state;
    const i = state.start(host, a);
    for (let j = model.firstColumn[a]!; j < model.firstColumn[a + 1]!; j++) {
      const taken = Math.min(part * deficitOf(state, j), state.room(i, j));
      if (taken > 0) state.addLoad(i, j - model.firstColumn[a]!, taken);
    }
    this.#update(host);
  }

  /** The host with the best score; hosts that have the workload already only where `again`, and after all others. */
  #best(a: number, again = false): number {
    const state = this.#state;
    const { request } = state.model;
    let best = NONE;
    let bestScore = Number.NEGATIVE_INFINITY;
    this.#index.visit(this.#fit.size, request[a]!, PER_BUCKET, (host) => {
      if (!state.mayStart(host, a)) return;
      const has = state.pool.find(host, a) !== NONE;
      if (has && !again) return;
      const score = this.#fit.score(host) - (has ? 10 : 0);
      if (score > bestScore) [best, bestScore] = [host, score];
    });
    return best;
  }

  #update(host: number): void {
    this.#index.update(host, this.#fit.left(host), this.#state.memoryLeft[host]!);
  }
}

/** By resource: what workloads ask for of it that need another one more, as a part of all there is, and of that a part. */
function reserveOf(model: Model): Float64Array {
  const { workloadCount, resourceCount: R, firstColumn, rate, cost, capacity } = model;
  const total = new Float64Array(R);
  for (const [at, amount] of capacity.entries()) total[at % R]! += amount;
  const reserve = new Float64Array(R);
  const needs = new Float64Array(R);
  for (let a = 0; a < workloadCount; a++) {
    needs.fill(0);
    for (let j = firstColumn[a]!; j < firstColumn[a + 1]!; j++) {
      for (let r = 0; r < R; r++) needs[r]! += (rate[j]! * cost[j * R + r]!) / total[r]! || 0;
    }
    const largest = Math.max(...needs);
    for (let r = 0; r < R; r++) if (needs[r]! < largest) reserve[r]! += needs[r]!;
  }
  return reserve.map((part) => Math.min(MOST_KEPT, KEPT * part));
}

function most(model: Model, fit: Fit): number {
  let left = 0;
  for (let host = 0; host < model.hostCount; host++) left = Math.max(left, fit.left(host, model.capacity));
  return left;
}

function mostMemory({ memory }: Model): number {
  let finite = 0;
  for (const each of memory) if (Number.isFinite(each)) finite = Math.max(finite, each);
  return finite;
}
