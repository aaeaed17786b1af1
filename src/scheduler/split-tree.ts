/**
 * A tree of two-way splits: the order of choices for periods too long for a table. Nothing is stored per position; a
 * node of weight T with a left part L gives its p-th choice to the left exactly if round(p L/T) grows there, which is
 * within 1/2 of the share and exact over T choices. The choice's number among those of that side goes down with it.
 *
 * Errors add up along the path of a leaf, each scaled by leaf / node. In a Huffman tree the weights along a path grow at
 * least as 1, 1, 2, 3, 5, …: the sum is below half the sum of the reciprocal Fibonacci numbers, 3.36 / 2 = 1.68 < 2.
 * Expected depth is at most log2 n + 1, weighted by share.
 */

/** Words per node: weight of the left part, left child, right child. The root is node 0. */
const WORDS = 3;
/** A child with this bit is a cell, otherwise the index of a node. */
const LEAF = 2 ** 31;
/** Twice the product of a position and a weight must be an exact integer: 2 W^2 + W < 2^53. */
export const MAX_PERIOD = 2 ** 26 - 1;

/**
 * @param weights integers > 0, at least two of them
 * @param cells what a choice of each of the weights is to answer
 * @throws RangeError if the weights sum to more than 2^26 - 1 (512 cells of weight 65535 sum to less than 2^25)
 */
export function buildSplitTree(
  weights: readonly number[],
  cells: readonly number[],
  allocate: (bytes: number) => ArrayBufferLike,
): Uint32Array {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum > MAX_PERIOD) throw new RangeError(`weights sum to ${sum}, divided as far as they go; at most ${MAX_PERIOD}`);
  const root = huffman(weights, cells);
  const nodes = new Uint32Array(allocate((weights.length - 1) * WORDS * 4));
  let used = 0;
  const write = (branch: Branch): number => {
    if (branch.left === null) return LEAF + branch.cell;
    const at = used++ * WORDS;
    nodes[at] = branch.left.weight;
    nodes[at + 1] = write(branch.left);
    nodes[at + 2] = write(branch.right);
    return at / WORDS;
  };
  write(root);
  return nodes;
}

/** The cell of a position in 0 … period - 1. */
export function cellInTree(nodes: Uint32Array, period: number, position: number): number {
  let weight = period;
  let node = 0;
  for (;;) {
    const at = node * WORDS;
    const left = nodes[at]!;
    // round(position * left / weight), and whether it is one more for the next position.
    const doubled = 2 * position * left + weight;
    const before = Math.floor(doubled / (2 * weight));
    if (doubled - 2 * weight * before + 2 * left >= 2 * weight) {
      position = before;
      weight = left;
      node = nodes[at + 1]!;
    } else {
      position -= before;
      weight -= left;
      node = nodes[at + 2]!;
    }
    if (node >= LEAF) return node - LEAF;
  }
}

type Branch =
  | { readonly weight: number; readonly left: null; readonly cell: number }
  | { readonly weight: number; readonly left: Branch; readonly right: Branch };

/** Two queues, leaves by weight and joined branches in the order of their making, which is by weight as well. */
function huffman(weights: readonly number[], cells: readonly number[]): Branch {
  const leaves: Branch[] = weights
    .map((weight, index): Branch => ({ weight, left: null, cell: cells[index]! }))
    .toSorted((a, b) => a.weight - b.weight);
  const joined: Branch[] = [];
  let leaf = 0;
  let branch = 0;
  const lightest = (): Branch => {
    const a = leaves[leaf];
    const b = joined[branch];
    if (b === undefined || (a !== undefined && a.weight <= b.weight)) {
      leaf++;
      return a!;
    }
    branch++;
    return b;
  };
  while (joined.length < weights.length - 1) {
    const right = lightest();
    const left = lightest();
    joined.push({ weight: left.weight + right.weight, left, right });
  }
  return joined.at(-1)!;
}
