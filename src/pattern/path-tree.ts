import { type ByteTree, ByteTreeBuilder } from './byte-tree.ts';
import type { Candidates } from './candidates.ts';
import { type IndexLists, IndexListsBuilder, NO_INDEX } from './index-lists.ts';

/** `equals`: all there is; `segments`: a prefix of whole path segments; `starts`: a prefix of bytes. */
export type LiteralKind = 'equals' | 'segments' | 'starts';

const EQUALS = 1;
const SEGMENTS = 2;
const STARTS = 4;
const SLASH = 47;

/** Literals that are compared from the beginning on, all in one walk. */
export class PathTree {
  /** The lowest index in the tree. */
  lowest = NO_INDEX;
  private readonly tree: ByteTree;
  /** Which kinds end at a node, as bits. */
  private readonly kinds: Uint8Array;
  private readonly equals: IndexLists;
  private readonly segments: IndexLists;
  private readonly starts: IndexLists;

  constructor(entries: readonly { kind: LiteralKind; literal: Uint8Array; index: number; decisive: boolean }[]) {
    const builder = new ByteTreeBuilder();
    const lists = {
      equals: new IndexListsBuilder(),
      segments: new IndexListsBuilder(),
      starts: new IndexListsBuilder(),
    };
    const kinds: number[] = [];
    for (const { kind, literal, index, decisive } of entries) {
      const node = builder.add(literal);
      lists[kind].add(node, index, decisive);
      kinds[node] = (kinds[node] ?? 0) | (kind === 'equals' ? EQUALS : kind === 'segments' ? SEGMENTS : STARTS);
      this.lowest = Math.min(this.lowest, index);
    }
    this.tree = builder.build();
    this.kinds = new Uint8Array(this.tree.size);
    kinds.forEach((kind, node) => (this.kinds[node] = kind));
    this.equals = lists.equals.build(this.tree.size);
    this.segments = lists.segments.build(this.tree.size);
    this.starts = lists.starts.build(this.tree.size);
  }

  /**
   * The lowest decisive index that matches `bytes[start … end)`, if below `best`, else `best`; the others that match go
   * to `candidates`.
   */
  search(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    const { kinds, tree } = this;
    let node = 0;
    for (let at = start; ; at++) {
      const kind = kinds[node]!;
      if (kind !== 0) {
        if ((kind & STARTS) !== 0) best = take(this.starts, node, best, candidates);
        if ((kind & SEGMENTS) !== 0 && (at === end || bytes[at] === SLASH)) {
          best = take(this.segments, node, best, candidates);
        }
        if ((kind & EQUALS) !== 0 && at === end) best = take(this.equals, node, best, candidates);
      }
      if (at === end) return best;
      node = tree.child(node, bytes[at]!);
      if (node === 0) return best;
    }
  }
}

function take(lists: IndexLists, node: number, best: number, candidates: Candidates): number {
  const lowest = lists.lowest[node]!;
  if (lowest < best) best = lowest;
  lists.gather(node, best, candidates);
  return best;
}
