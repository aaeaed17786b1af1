import { type ByteTree, ByteTreeBuilder } from './byte-tree.ts';
import type { Candidates } from './candidates.ts';
import { type IndexLists, IndexListsBuilder, NO_INDEX } from './index-lists.ts';
import { visit } from './path-tree.ts';

/** Entries of 4 bytes: 2 MB, enough for 16,000 literals such as `/app123/`. */
const MAX_TABLE = 512 * 1024;

/**
 * Many literals looked for at once, anywhere (Aho and Corasick 1975): one walk over the input, however many there are.
 * As long as it is small, a full table: one load per byte. Above that, links, so that memory follows the literals'
 * length; a walk then takes at most two steps per byte.
 */
export class LiteralSearch {
  /** The lowest index of all. */
  lowest = NO_INDEX;
  readonly size: number;
  private readonly tree: ByteTree;
  private readonly root = new Int32Array(256);
  /** The longest proper suffix of a node that is in the tree. */
  private readonly fail: Int32Array;
  /** The node itself or its longest suffix that holds something; 0 = none; and the next one behind that. */
  private readonly hit: Int32Array;
  private readonly nextHit: Int32Array;
  private readonly lists: IndexLists;
  /** When a node was last visited: a literal that stands there a thousand times is looked at once. */
  private readonly visited: Int32Array;
  private generation = 0;
  /** The full table: rows of `width`, entries are where the next row begins, negative if something is found there. */
  private readonly table: Int32Array | null;
  private readonly width: number;
  private readonly classOf = new Uint8Array(256);

  constructor(entries: readonly { literal: Uint8Array; index: number; decisive: boolean }[]) {
    const builder = new ByteTreeBuilder();
    const lists = new IndexListsBuilder();
    for (const { literal, index, decisive } of entries) {
      lists.add(builder.add(literal), index, decisive);
      this.lowest = Math.min(this.lowest, index);
    }
    this.tree = builder.build();
    this.size = this.tree.size;
    this.lists = lists.build(this.size);
    this.fail = new Int32Array(this.size);
    this.hit = new Int32Array(this.size);
    this.nextHit = new Int32Array(this.size);
    this.visited = new Int32Array(this.size);
    const order = this.link();
    let classes = 0;
    const used = new Set(entries.flatMap((entry) => [...entry.literal]));
    // Class 0: bytes of no literal. If all 256 are used, the last takes that place.
    for (const byte of used) this.classOf[byte] = ++classes & 0xff;
    this.width = Math.min(256, classes + 1);
    this.table = this.size * this.width <= MAX_TABLE ? this.buildTable(order) : null;
  }

  /** As `PathTree.search`, but for literals anywhere. */
  search(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    if (++this.generation === 0x7fffffff) {
      this.generation = 1;
      this.visited.fill(0);
    }
    if (this.table !== null) return this.searchTable(this.table, bytes, start, end, best, candidates);
    const { root, fail, hit } = this;
    const { only, to, rows, classOf } = this.tree;
    let node = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      for (;;) {
        if (node === 0) {
          node = root[byte]!;
          break;
        }
        const single = only[node]!;
        if (single === byte) {
          node = to[node]!;
          break;
        }
        if (single === -2) {
          const child = rows[to[node]! + classOf[byte]!]!;
          if (child !== 0) {
            node = child;
            break;
          }
        }
        node = fail[node]!;
      }
      if (hit[node] !== 0) best = this.visit(hit[node]!, best, candidates);
    }
    return best;
  }

  private searchTable(
    table: Int32Array,
    bytes: Uint8Array,
    start: number,
    end: number,
    best: number,
    candidates: Candidates,
  ): number {
    const { classOf, width, hit } = this;
    let row = 0;
    for (let at = start; at < end; at++) {
      row = table[row + classOf[bytes[at]!]!]!;
      if (row < 0) {
        row = -row;
        best = this.visit(hit[row / width]!, best, candidates);
      }
    }
    return best;
  }

  private visit(node: number, best: number, candidates: Candidates): number {
    for (; node !== 0 && this.visited[node] !== this.generation; node = this.nextHit[node]!) {
      this.visited[node] = this.generation;
      best = visit(this.lists, node, best, candidates);
    }
    return best;
  }

  /** Fail links in order of depth: those of shorter strings are needed first. */
  private link(): number[] {
    const { tree, fail, hit, nextHit, lists } = this;
    const queue: number[] = [];
    for (const [byte, child] of tree.edges(0)) {
      this.root[byte] = child;
      queue.push(child);
    }
    for (let at = 0; at < queue.length; at++) {
      const node = queue[at]!;
      const holds = lists.lowest[node] !== NO_INDEX || lists.begin[node]! < lists.begin[node + 1]!;
      const next = hit[fail[node]!]!;
      nextHit[node] = next;
      hit[node] = holds ? node : next;
      for (const [byte, child] of tree.edges(node)) {
        let suffix = fail[node]!;
        while (suffix !== 0 && tree.child(suffix, byte) === 0) suffix = fail[suffix]!;
        fail[child] = tree.child(suffix, byte);
        queue.push(child);
      }
    }
    return queue;
  }

  private buildTable(order: readonly number[]): Int32Array {
    const { tree, fail, hit, width, classOf } = this;
    const table = new Int32Array(this.size * width);
    for (const node of [0, ...order]) {
      // Where a string goes on nowhere, its longest suffix does, and that one's row is done.
      if (node !== 0) table.copyWithin(node * width, fail[node]! * width, (fail[node]! + 1) * width);
      for (const [byte, child] of tree.edges(node)) {
        table[node * width + classOf[byte]!] = hit[child] === 0 ? child * width : -child * width;
      }
    }
    return table;
  }
}
