/** Draws two different endpoints of a row, each with a probability in proportion to its weight. */
import { NOTHING } from './chooser.ts';
import type { DispatchRow } from './dispatch-row.ts';

export class PairSampler {
  first = NOTHING;
  /** -1 if the row has one member only. */
  second = NOTHING;

  readonly #members: readonly number[];
  readonly #random: () => number;
  /** `#sums[i]` = weights of the members before i; one longer than the members. */
  readonly #sums: Float64Array;

  constructor(row: DispatchRow, random: () => number) {
    this.#members = row.members;
    this.#random = random;
    this.#sums = new Float64Array(row.members.length + 1);
    for (const [i, index] of row.members.entries()) {
      this.#sums[i + 1] = this.#sums[i]! + row.weights[index]! / row.siblings[index]!;
    }
  }

  /** Sets `first` and `second`; the row must have a member. */
  draw(): void {
    const members = this.#members;
    const sums = this.#sums;
    const sum = sums[members.length]!;
    const a = this.#memberAt(this.#random() * sum);
    this.first = members[a]!;
    if (members.length === 1) {
      this.second = NOTHING;
      return;
    }
    // The first one is cut out of the line and the gap closed: exact in one draw, however heavy the first one is.
    const own = sums[a + 1]! - sums[a]!;
    let point = this.#random() * (sum - own);
    if (point >= sums[a]!) point += own;
    const b = this.#memberAt(point);
    // Rounding may put a point on the wrong side of an edge of the gap.
    this.second = members[b === a ? (a + 1) % members.length : b]!;
  }

  #memberAt(point: number): number {
    const sums = this.#sums;
    let low = 0;
    let high = this.#members.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (sums[middle]! <= point) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
