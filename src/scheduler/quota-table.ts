/**
 * The quota method: fills a table, one period long, so that after every N entries each cell stands within less than one
 * of its share (Tijdeman, "The chairman assignment problem", Discrete Mathematics 32, 1980).
 *
 * The j-th turn of a cell of weight w in a period W (j from 0) keeps |count - N w/W| < 1 exactly if it lies in the
 * window [floor(j W/w), ceil((j+1) W/w)); taking always the open turn whose window ends first fits all of them in (unit
 * jobs on one machine; the windows are those of Baruah et al., "Proportionate progress", Algorithmica 15, 1996).
 * Two rules on top keep runs at ceil(w / (W - w)), round the end of the period too: of windows that end together the
 * heavier cell's goes first, and a cell that has had its longest run lets the next one pass. That they never cost a
 * window is not proved but checked: all weights that sum to 30 or less, and 20,000 larger ones at random.
 *
 * @param table to be filled; its length is the sum of the weights
 * @param weights integers > 0, at least two of them
 * @param cells what to write into the table for each of the weights
 */
export function fillQuotaTable(table: Uint16Array, weights: readonly number[], cells: readonly number[]): void {
  // Were a window missed after all, the quota counts for more than the runs: plain order of deadlines keeps it.
  if (!fill(table, weights, cells, true)) fill(table, weights, cells, false);
}

function fill(table: Uint16Array, weights: readonly number[], cells: readonly number[], limitRuns: boolean): boolean {
  const period = table.length;
  const order = byWeight(weights);
  const open = new DeadlineHeap(weights.length);
  /** Turns taken, by rank (place in `order`). */
  const taken = new Int32Array(weights.length);
  /** Ranks whose next turn opens at a slot: a linked list per slot, each rank in at most one of them. */
  const opening = new Int32Array(period).fill(NONE);
  const following = new Int32Array(weights.length).fill(NONE);
  for (let rank = weights.length - 1; rank >= 0; rank--) {
    following[rank] = opening[0]!;
    opening[0] = rank;
  }
  let last = NONE;
  let run = 0;
  for (let slot = 0; slot < period; slot++) {
    for (let rank = opening[slot]!; rank !== NONE; rank = following[rank]!) {
      open.push(rank, Math.ceil(((taken[rank]! + 1) * period) / weights[order[rank]!]!));
    }
    if (open.size === 0) return false;
    let rank = open.pop();
    if (rank === last && limitRuns && open.size > 0 && run >= longestRun(weights[order[rank]!]!, period)) {
      const passed = rank;
      rank = open.pop();
      open.push(passed, open.deadlines[passed]!);
    }
    if (open.deadlines[rank]! <= slot) return false;
    run = rank === last ? run + 1 : 1;
    last = rank;
    const index = order[rank]!;
    table[slot] = cells[index]!;
    const turn = ++taken[rank]!;
    // The window of the next turn opens in this very slot where W/w is below 2: then it can be had from the next one on.
    const opens = Math.max(slot + 1, Math.floor((turn * period) / weights[index]!));
    if (opens < period) {
      following[rank] = opening[opens]!;
      opening[opens] = rank;
    }
  }
  return true;
}

const NONE = -1;

/** The longest run of a cell's turns that its weight makes necessary; others' weights are above 0. */
export function longestRun(weight: number, sum: number): number {
  return Math.ceil(weight / (sum - weight));
}

/** Indices of the weights, heaviest first, else in their order. */
function byWeight(weights: readonly number[]): readonly number[] {
  return weights.map((_, index) => index).toSorted((a, b) => weights[b]! - weights[a]! || a - b);
}

/** Ranks, the earliest deadline on top, the lowest rank first among equal ones. */
class DeadlineHeap {
  size = 0;
  readonly deadlines: Int32Array;
  readonly #heap: Int32Array;

  constructor(capacity: number) {
    this.deadlines = new Int32Array(capacity);
    this.#heap = new Int32Array(capacity);
  }

  push(rank: number, deadline: number): void {
    this.deadlines[rank] = deadline;
    const heap = this.#heap;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#before(heap[parent]!, rank)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = rank;
  }

  /** The heap must not be empty. */
  pop(): number {
    const heap = this.#heap;
    const top = heap[0]!;
    const moved = heap[--this.size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (this.#before(moved, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
    return top;
  }

  #before(a: number, b: number): boolean {
    const difference = this.deadlines[a]! - this.deadlines[b]!;
    return difference < 0 || (difference === 0 && a < b);
  }
}
