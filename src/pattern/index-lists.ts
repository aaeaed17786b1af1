import type { Candidates } from './candidates.ts';

/** Above every index; still a small integer to V8 (31 bits), so that handing it on allocates nothing. */
export const NO_INDEX = 0x3fffffff;

/** Lists of ascending indices by node, flat. Also the lowest decisive index of each node. */
export class IndexLists {
  /** Of the decisive entries at this node; `NO_INDEX` where there is none. */
  readonly lowest: Int32Array;
  /** Entries that need a further look: `items[begin[node] … begin[node + 1])`. */
  readonly begin: Int32Array;
  readonly items: Int32Array;

  constructor(size: number, decisive: ReadonlyMap<number, number>, listed: ReadonlyMap<number, readonly number[]>) {
    this.lowest = new Int32Array(size).fill(NO_INDEX);
    for (const [node, index] of decisive) this.lowest[node] = index;
    this.begin = new Int32Array(size + 1);
    const items: number[] = [];
    for (let node = 0; node < size; node++) {
      this.begin[node] = items.length;
      const own = listed.get(node);
      if (own !== undefined) for (const index of [...own].toSorted((a, b) => a - b)) items.push(index);
    }
    this.begin[size] = items.length;
    this.items = Int32Array.from(items);
  }

  /** Whether a node has entries that need a further look. */
  holds(node: number): boolean {
    return this.begin[node]! < this.begin[node + 1]!;
  }

  /** Adds those of a node that are below `best`. */
  gather(node: number, best: number, candidates: Candidates): void {
    const end = this.begin[node + 1]!;
    for (let at = this.begin[node]!; at < end; at++) {
      const index = this.items[at]!;
      if (index >= best) return;
      candidates.add(index);
    }
  }
}

/** Collects what `IndexLists` is made of. */
export class IndexListsBuilder {
  readonly decisive = new Map<number, number>();
  readonly listed = new Map<number, number[]>();

  add(node: number, index: number, decisive: boolean): void {
    if (decisive) {
      this.decisive.set(node, Math.min(index, this.decisive.get(node) ?? NO_INDEX));
      return;
    }
    const own = this.listed.get(node);
    if (own === undefined) this.listed.set(node, [index]);
    else own.push(index);
  }

  build(size: number): IndexLists {
    return new IndexLists(size, this.decisive, this.listed);
  }
}
