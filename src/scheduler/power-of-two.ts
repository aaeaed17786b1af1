/**
 * The power of two choices, normalised by weight: two endpoints are drawn in proportion to their weights, and the one
 * with the lower (c+1)/w is taken. Costs the same for any number of endpoints, and workers that see the same counts do
 * not all run to the same endpoint. (Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12,
 * 2001.)
 * The first one drawn is taken if it is idle: that keeps the shares where a row has little to do.
 */
import { NOTHING } from './chooser.ts';
import type { Chooser } from './chooser.ts';
import type { DispatchRow } from './dispatch-row.ts';
import { PairSampler } from './pair-sampler.ts';

/** Pairs that are drawn before all endpoints are looked at. */
const MAX_PAIRS = 4;

export class PowerOfTwo implements Chooser {
  protected readonly row: DispatchRow;
  readonly #random: () => number;
  readonly #pair: PairSampler;

  constructor(row: DispatchRow, random: () => number) {
    this.row = row;
    this.#random = random;
    this.#pair = new PairSampler(row, random);
  }

  choose(): number {
    const { row } = this;
    if (row.members.length === 0) return NOTHING;
    for (let pairs = MAX_PAIRS; pairs > 0; pairs--) {
      const pair = this.#pair;
      pair.draw();
      const first = row.takesWork(pair.first);
      const second = pair.second !== NOTHING && row.takesWork(pair.second);
      if (first && second) return this.preferred(pair.first, pair.second);
      if (first) return pair.first;
      if (second) return pair.second;
    }
    return row.anyOther([], this.#random());
  }

  chooseAgain(tried: readonly number[]): number {
    return this.row.retry(tried);
  }

  protected preferred(first: number, second: number): number {
    const { slots, weights, siblings, state } = this.row;
    const inFirst = state.inflight[slots[first]!]!;
    if (inFirst === 0) return first;
    const inSecond = state.inflight[slots[second]!]!;
    const a = (inFirst + 1) * siblings[first]! * weights[second]!;
    const b = (inSecond + 1) * siblings[second]! * weights[first]!;
    return a <= b ? first : second;
  }
}
