import { ByteTree, type ByteTreeBuilder } from './byte-tree.ts';

/**
 * A byte tree whose chains without branches are one node with a label, so that a path is a few nodes and comparisons of
 * bytes that do not wait for each other.
 */
export class RadixTree {
  /** Over the first bytes of labels. */
  readonly tree: ByteTree;
  /** The rest of node n's label: `labels[labelAt[n] … labelAt[n + 1])`. */
  readonly labels: Uint8Array;
  readonly labelAt: Int32Array;
  /**
   * @param keep nodes that are asked for and must not vanish in a label
   * @param nodeOf filled here: for a node of the builder that is kept, its number in this tree
   */
  constructor(builder: ByteTreeBuilder, keep: ReadonlySet<number>, nodeOf: Map<number, number>) {
    const children: Map<number, number>[] = [new Map()];
    const labels: number[] = [];
    const labelAt: number[] = [0, 0];
    nodeOf.set(0, 0);
    const queue: [from: number, to: number][] = [[0, 0]];
    for (const [from, to] of queue) {
      for (const [byte, child] of builder.childrenOf(from)) {
        let last = child;
        while (!keep.has(last)) {
          const next = builder.childrenOf(last);
          if (next.size !== 1) break;
          const [label, only] = next.entries().next().value!;
          labels.push(label);
          last = only;
        }
        const node = children.push(new Map()) - 1;
        children[to]!.set(byte, node);
        labelAt.push(labels.length);
        nodeOf.set(last, node);
        queue.push([last, node]);
      }
    }
    this.tree = new ByteTree(children);
    this.labels = Uint8Array.from(labels);
    this.labelAt = Int32Array.from(labelAt);
  }
}
