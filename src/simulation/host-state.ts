import { Fifo } from './fifo.ts';
import { Station } from './station.ts';
import type { World } from './world.ts';

/** A host while it is simulated: its stations, and what its instances work on and have not accepted yet. */
export class HostState {
  readonly index: number;
  readonly stations: readonly Station[];
  /** Requests that are worked on. */
  present = 0;
  /** Per workload: those that are worked on, and those that wait to be accepted. */
  readonly active: Int32Array;
  readonly backlog: readonly Fifo[];
  /** Integral of `present` over time. */
  area = 0;

  readonly #world: World;
  readonly #workloads: readonly number[];
  /** [a * R + r], where pressure is felt as soon as a neighbour runs. */
  readonly #factors: Float64Array | null;
  #at = 0;

  constructor(world: World, host: number) {
    const { resourceCount: R, workloadCount: W } = world;
    this.#world = world;
    this.index = host;
    this.stations = Array.from({ length: R }, (_, r) => new Station(world.capacity[host * R + r]!, world.most[r]!));
    this.active = new Int32Array(W);
    this.backlog = Array.from({ length: W }, () => new Fifo());
    this.#workloads = Array.from({ length: W }, (_, a) => a).filter((a) => world.accepts[host * W + a]! > 0);
    this.#factors = world.chi === null || world.pressureAt > 0 ? null : this.#presence(world.chi);
  }

  /** Time goes on to `now`. Before anything is changed. */
  advance(now: number): void {
    this.area += this.present * (now - this.#at);
    this.#at = now;
    for (const station of this.stations) station.advance(now);
  }

  get slowdown(): number {
    return this.present > 1 ? 1 + this.#world.kappa[this.index]! * (this.present - 1) : 1;
  }

  /** Whether an instance of the workload can work on one more. */
  accepts(workload: number): boolean {
    return this.active[workload]! < this.#world.accepts[this.index * this.#world.workloadCount + workload]!;
  }

  begin(workload: number): void {
    this.active[workload]!++;
    this.present++;
  }

  end(workload: number): void {
    this.active[workload]!--;
    this.present--;
  }

  /** How many times what it needs of a resource a request costs now, for its neighbours. */
  conflict(workload: number, resource: number): number {
    const { chi, resourceCount: R, workloadCount: W, pressureAt } = this.#world;
    if (chi === null) return 1;
    if (this.#factors !== null) return this.#factors[workload * R + resource]!;
    let factor = 1;
    for (const other of this.#workloads) {
      const pressure = Math.min(1, this.active[other]! / pressureAt);
      if (other !== workload) factor += pressure * chi[(workload * W + other) * R + resource]!;
    }
    return factor;
  }

  #presence(chi: Float64Array): Float64Array {
    const { resourceCount: R, workloadCount: W } = this.#world;
    const factors = new Float64Array(W * R).fill(1);
    for (const a of this.#workloads) {
      for (const b of this.#workloads) {
        if (a === b) continue;
        for (let r = 0; r < R; r++) factors[a * R + r]! += chi[(a * W + b) * R + r]!;
      }
    }
    return factors;
  }
}
