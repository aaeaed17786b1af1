import { ByteTreeBuilder } from './byte-tree.ts';
import type { Candidates } from './candidates.ts';
import { type IndexLists, IndexListsBuilder, NO_INDEX } from './index-lists.ts';
import { RadixTree } from './radix-tree.ts';

/** `equals`: all there is; `segments`: a prefix of whole path segments; `starts`: a prefix of bytes. */
export type LiteralKind = 'equals' | 'segments' | 'starts';

const EQUALS = 1;
const SEGMENTS = 2;
const STARTS = 4;
const SLASH = 47;

interface TreeEntry {
  readonly kind: LiteralKind;
  readonly literal: Uint8Array;
  readonly index: number;
  readonly decisive: boolean;
}

/** Literals that are compared from the beginning on, all in one walk. */
export class PathTree {
  /** The lowest index in the tree. */
  lowest = NO_INDEX;
  private readonly radix: RadixTree;
  /** Which kinds end at a node, as bits. */
  private readonly kinds: Uint8Array;
  private readonly equals: IndexLists;
  private readonly segments: IndexLists;
  private readonly starts: IndexLists;

  constructor(entries: readonly TreeEntry[]) {
    const builder = new ByteTreeBuilder();
    const nodes = entries.map((entry) => builder.add(entry.literal));
    const nodeOf = new Map<number, number>();
    this.radix = new RadixTree(builder, new Set(nodes), nodeOf);
    const { size } = this.radix.tree;
    this.kinds = new Uint8Array(size);
    const lists = {
      equals: new IndexListsBuilder(),
      segments: new IndexListsBuilder(),
      starts: new IndexListsBuilder(),
    };
    entries.forEach(({ kind, index, decisive }, at) => {
      const node = nodeOf.get(nodes[at]!)!;
      lists[kind].add(node, index, decisive);
      this.kinds[node]! |= kind === 'equals' ? EQUALS : kind === 'segments' ? SEGMENTS : STARTS;
      this.lowest = Math.min(this.lowest, index);
    });
    this.equals = lists.equals.build(size);
    this.segments = lists.segments.build(size);
    this.starts = lists.starts.build(size);
  }

  /**
   * The lowest decisive index that matches `bytes[start … end)`, if below `best`, else `best`; the others that match go
   * to `candidates`.
   */
  search(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    const { kinds } = this;
    const { tree, labels, labelAt } = this.radix;
    let node = 0;
    for (let at = start; ;) {
      const kind = kinds[node]!;
      if (kind !== 0) {
        if ((kind & STARTS) !== 0) best = take(this.starts, node, best, candidates);
        if ((kind & SEGMENTS) !== 0 && (at === end || bytes[at] === SLASH)) {
          best = take(this.segments, node, best, candidates);
        }
        if ((kind & EQUALS) !== 0 && at === end) best = take(this.equals, node, best, candidates);
      }
      if (at === end) return best;
      node = tree.child(node, bytes[at++]!);
      if (node === 0) return best;
      const last = labelAt[node + 1]!;
      let label = labelAt[node]!;
      if (last - label > end - at) return best;
      while (label < last) if (labels[label++] !== bytes[at++]) return best;
    }
  }
}

function take(lists: IndexLists, node: number, best: number, candidates: Candidates): number {
  const lowest = lists.lowest[node]!;
  if (lowest < best) best = lowest;
  lists.gather(node, best, candidates);
  return best;
}
