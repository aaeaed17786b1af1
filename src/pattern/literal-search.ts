import { type ByteTree, ByteTreeBuilder } from './byte-tree.ts';
import type { Candidates } from './candidates.ts';
import { type IndexLists, IndexListsBuilder, NO_INDEX } from './index-lists.ts';

/** Entries of 4 bytes: 2 MB, enough for 16,000 literals such as `/app123/`. */
const MAX_TABLE = 512 * 1024;

/** In a row: where the classes begin. */
const CLASSES = 2;

/**
 * Many literals looked for at once, anywhere (Aho and Corasick 1975): one walk over the input, however many there are.
 * As long as it is small, by a full table: one load per byte. Above that by links, so that memory follows the literals'
 * length; a walk then takes at most two steps per byte.
 */
export class LiteralSearch {
  /** The lowest index of all. */
  lowest = NO_INDEX;
  private readonly tree: ByteTree;
  private readonly lists: IndexLists;
  /** What the root leads to: most bytes of a path are read there, and then no step waits for the one before. */
  private readonly root = new Int32Array(256);
  /** The longest proper suffix of a node that is in the tree. */
  private readonly fail: Int32Array;
  /** Over the node and its suffixes: the lowest decisive index, the nearest with a list; and the next of those. */
  private readonly best: Int32Array;
  private readonly listed: Int32Array;
  private readonly nextListed: Int32Array;
  /** In which search a list was last taken: a literal that stands there a thousand times is looked at once. */
  private readonly taken: Int32Array;
  private generation = 0;
  /**
   * The full table. A row, which is mostly one cache line: the lowest decisive index here, the nearest node with a list,
   * then by class of the next byte where the next row begins, negative if something is found there.
   */
  private readonly table: Int32Array | null;
  private readonly width: number;
  /** Places in a row. */
  private readonly classOf = new Uint16Array(256);

  constructor(entries: readonly { literal: Uint8Array; index: number; decisive: boolean }[]) {
    const builder = new ByteTreeBuilder();
    const lists = new IndexListsBuilder();
    for (const { literal, index, decisive } of entries) {
      lists.add(builder.add(literal), index, decisive);
      this.lowest = Math.min(this.lowest, index);
    }
    this.tree = builder.build();
    const { size } = this.tree;
    this.lists = lists.build(size);
    this.fail = new Int32Array(size);
    this.best = new Int32Array(size);
    this.listed = new Int32Array(size);
    this.nextListed = new Int32Array(size);
    this.taken = new Int32Array(size);
    const order = this.link();
    const used = new Set(entries.flatMap((entry) => [...entry.literal]));
    this.width = CLASSES + 1 + used.size;
    // The first class: bytes of no literal.
    this.classOf.fill(CLASSES);
    let place = CLASSES;
    for (const byte of used) this.classOf[byte] = ++place;
    this.table = size * this.width <= MAX_TABLE ? this.buildTable(order) : null;
  }

  /** As `PathTree.search`, but for literals anywhere. */
  search(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    if (++this.generation === 0x3fffffff) {
      this.generation = 1;
      this.taken.fill(0);
    }
    if (this.table === null) return this.searchLinks(bytes, start, end, best, candidates);
    const { table, root, classOf } = this;
    for (let at = start; ;) {
      let row = 0;
      // At the root, where most of a path is read, no step waits for the one before: a quarter less time.
      while (at < end && (row = root[bytes[at]!]!) === 0) at++;
      if (at === end) return best;
      do {
        at++;
        if (row < 0) {
          row = -row;
          if (table[row]! < best) best = table[row]!;
          if (table[row + 1] !== 0) this.gather(table[row + 1]!, best, candidates);
        }
        if (at === end) return best;
        row = table[row + classOf[bytes[at]!]!]!;
      } while (row !== 0);
      at++;
    }
  }

  private searchLinks(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    const { tree, root, fail, listed } = this;
    let node = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      let child = 0;
      while (node !== 0 && (child = tree.child(node, byte)) === 0) node = fail[node]!;
      node = node === 0 ? root[byte]! : child;
      if (this.best[node]! < best) best = this.best[node]!;
      if (listed[node] !== 0) this.gather(listed[node]!, best, candidates);
    }
    return best;
  }

  /** Takes the lists of a node and of its suffixes. */
  private gather(node: number, best: number, candidates: Candidates): void {
    const { lists, taken, generation } = this;
    for (; node !== 0 && taken[node] !== generation; node = this.nextListed[node]!) {
      taken[node] = generation;
      lists.gather(node, best, candidates);
    }
  }

  /** Links in order of depth: those of shorter strings are needed first. Gives the nodes in that order. */
  private link(): number[] {
    const { tree, fail, listed, nextListed, lists } = this;
    const queue: number[] = [];
    this.best[0] = NO_INDEX;
    for (const [byte, child] of tree.edges(0)) {
      this.root[byte] = child;
      queue.push(child);
    }
    for (let at = 0; at < queue.length; at++) {
      const node = queue[at]!;
      const suffix = fail[node]!;
      this.best[node] = Math.min(lists.lowest[node]!, this.best[suffix]!);
      const next = listed[suffix]!;
      nextListed[node] = next;
      listed[node] = lists.holds(node) ? node : next;
      for (const [byte, child] of tree.edges(node)) {
        let from = suffix;
        while (from !== 0 && tree.child(from, byte) === 0) from = fail[from]!;
        fail[child] = tree.child(from, byte);
        queue.push(child);
      }
    }
    return queue;
  }

  private buildTable(order: readonly number[]): Int32Array {
    const { tree, fail, width, classOf, root } = this;
    const table = new Int32Array(tree.size * width);
    for (const node of [0, ...order]) {
      // Where a string goes on nowhere, its longest suffix does, and that one's row is done.
      if (node !== 0) table.copyWithin(node * width, fail[node]! * width, (fail[node]! + 1) * width);
      table[node * width] = this.best[node]!;
      table[node * width + 1] = this.listed[node]!;
      for (const [byte, child] of tree.edges(node)) {
        const found = this.best[child] !== NO_INDEX || this.listed[child] !== 0;
        table[node * width + classOf[byte]!] = found ? -child * width : child * width;
      }
    }
    for (let byte = 0; byte < 256; byte++) root[byte] = table[classOf[byte]!]!;
    return table;
  }
}
