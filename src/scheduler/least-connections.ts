/**
 * Weighted least connections over all endpoints of a row, compared without division. Two rules:
 * - `wlc`, smallest c/w: KTCPVS's own, for scheduler wlc;
 * - `plusOne`, smallest (c+1)/w: for `balance: LeastConnections` everywhere else. With c/w, two clients on a row of
 *   87:13 are served 50:50, as an idle endpoint always wins.
 * Under both, an idle endpoint takes the request if it is its turn by the schedule, and endpoints that are equally
 * loaded take turns by it. So an idle row of 87:13 is served 87:13: pure (c+1)/w would send everything to the heavier
 * one, a choice by position everything to the first.
 *
 * Under `plusOne` an endpoint that has not answered yet, among others that have, gets its turns and no more, or it would be
 * flooded because its count is 0. When its first answer is there, one service time later, its count is what its share
 * makes of it, and it is treated as the others are. (TCP connections have no answers: `wlc` knows no such endpoints.)
 */
import type { SchedulerName } from '../model/snapshot.ts';
import { NOTHING } from './chooser.ts';
import type { Chooser, LeastConnectionsRule } from './chooser.ts';
import type { DispatchRow } from './dispatch-row.ts';

/**
 * Loads are compared as (c+1) * (1/w), one product each, instead of (c1+1) * w2 against (c2+1) * w1. That is the same:
 * equal loads differ by less than 2^-51 of their size by rounding, and unequal ones by more than 2^-46 as long as the
 * integers' products stay below 2^46 (2^30 in flight per unit of the heaviest weight).
 */
const SAME = 2 ** -48;
/**
 * Any factor that makes no load a whole number: V8 keeps an array of fractions as raw doubles, which makes the scan over
 * 100 endpoints three times as fast as whole numbers do (and 1.4 times as fast as a Float64Array).
 */
const UNIT = Math.SQRT1_2;

export class LeastConnections implements Chooser {
  readonly #row: DispatchRow;
  readonly #extra: 0 | 1;
  readonly #inflight: Int32Array;
  readonly #down: Int32Array;
  // Per member.
  readonly #slots: readonly number[];
  /** 0 for newcomers, which keeps them out of a scan. */
  readonly #caps: number[];
  /** UNIT/w, where w = weight of the cell / members of the cell. */
  readonly #scales: readonly number[];
  /** Places in the above of those that are equally, and least, loaded: filled by every scan. */
  readonly #least: number[];
  /** Places of those that have not answered yet. A new endpoint makes a new plan, so there will be no more of them. */
  #newcomers: readonly number[] = [];

  constructor(row: DispatchRow, rule: LeastConnectionsRule) {
    this.#row = row;
    this.#extra = rule === 'wlc' ? 0 : 1;
    this.#inflight = row.state.inflight;
    this.#down = row.state.down;
    this.#slots = row.members.map((index) => row.slots[index]!);
    this.#caps = row.members.map((index) => row.plan.endpoints[index]!.maxConnections);
    this.#scales = row.members.map((index) => (UNIT * row.siblings[index]!) / row.weights[index]!);
    this.#least = row.members.map(() => NOTHING);
    const unknown = [...this.#slots.keys()].filter((place) => !this.#hasAnswered(place));
    if (rule === 'plusOne' && unknown.length < this.#slots.length) this.#newcomers = unknown;
    for (const place of this.#newcomers) this.#caps[place] = 0;
  }

  choose(): number {
    const turn = this.#row.nextAvailable();
    if (turn === NOTHING || this.#inflight[this.#row.slots[turn]!] === 0) return turn;
    if (this.#newcomers.length > 0) this.#admitNewcomers();
    const count = this.#scan();
    if (count === 0) return turn;
    const least = count === 1 ? this.#least[0]! : this.#oneOf(count, turn);
    if (this.#newcomers.length > 0 && this.#isNewcomersTurn(turn, least)) return turn;
    return this.#row.members[least]!;
  }

  chooseAgain(tried: readonly number[]): number {
    return this.#row.retry(tried);
  }

  /** One of `#least[0 … count)`: the one whose turn it is, otherwise they alternate by weight within the worker. */
  #oneOf(count: number, turn: number): number {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const place = this.#least[i]!;
      if (this.#row.members[place] === turn) return place;
      sum += 1 / this.#scales[place]!;
    }
    let left = this.#row.nextPoint() * sum;
    for (let i = 0; i < count - 1; i++) {
      left -= 1 / this.#scales[this.#least[i]!]!;
      if (left < 0) return this.#least[i]!;
    }
    return this.#least[count - 1]!;
  }

  #admitNewcomers(): void {
    for (const place of this.#newcomers) {
      if (this.#hasAnswered(place))
        this.#caps[place] = this.#row.plan.endpoints[this.#row.members[place]!]!.maxConnections;
    }
    this.#newcomers = this.#newcomers.filter((place) => !this.#hasAnswered(place));
  }

  /** One that never answers must not have more in flight than the others. */
  #isNewcomersTurn(turn: number, least: number): boolean {
    const place = this.#newcomers.find((newcomer) => this.#row.members[newcomer] === turn);
    return place !== undefined && this.#load(place) <= this.#load(least);
  }

  #hasAnswered(place: number): boolean {
    return this.#row.state.latency[this.#slots[place]!]! > 0;
  }

  #load(place: number): number {
    return (this.#inflight[this.#slots[place]!]! + this.#extra) * this.#scales[place]!;
  }

  /** 0 for members of cells that are at their cap. Before the scan, which is a third slower with any more in it. */
  #capsOfRoom(): readonly number[] {
    return this.#caps.map((cap, place) => (this.#row.hasRoom(this.#row.members[place]!) ? cap : 0));
  }

  /** Leaves the least loaded in `#least` (places among the members) and answers how many they are. */
  #scan(): number {
    const slots = this.#slots;
    const scales = this.#scales;
    const inflight = this.#inflight;
    const least = this.#least;
    const extra = this.#extra;
    const down = this.#down;
    const caps = this.#row.isCapped ? this.#capsOfRoom() : this.#caps;
    let count = 0;
    let low = Infinity;
    let high = Infinity;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      const connections = inflight[slot]!;
      const load = (connections + extra) * scales[i]!;
      if (load > high || down[slot] !== 0 || connections >= caps[i]!) continue;
      if (load < low) {
        count = 0;
        low = load * (1 - SAME);
        high = load * (1 + SAME);
      }
      least[count++] = i;
    }
    return count;
  }
}

/** The rule under which a virtual server with `balance: LeastConnections` compares. */
export function leastConnectionsRule(scheduler: SchedulerName): LeastConnectionsRule {
  return scheduler === 'wlc' ? 'wlc' : 'plusOne';
}
