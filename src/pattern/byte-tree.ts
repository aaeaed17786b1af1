/** In `only`: no child; several children. */
const NONE = -1;
const SEVERAL = -2;

/** A tree over byte strings while it is built. Node 0 is the root. */
export class ByteTreeBuilder {
  private readonly children: Map<number, number>[] = [new Map()];

  /** The node of a byte string. */
  add(literal: Uint8Array): number {
    let node = 0;
    for (const byte of literal) {
      let next = this.children[node]!.get(byte);
      if (next === undefined) {
        next = this.children.push(new Map()) - 1;
        this.children[node]!.set(byte, next);
      }
      node = next;
    }
    return node;
  }

  childrenOf(node: number): ReadonlyMap<number, number> {
    return this.children[node]!;
  }

  build(): ByteTree {
    return new ByteTree(this.children);
  }
}

/**
 * The tree in flat arrays. Most nodes have one child and are one comparison; the few with several have a row over the
 * classes of the bytes that branch anywhere. So 16,000 paths stay in some hundred KB.
 */
export class ByteTree {
  readonly size: number;
  readonly only: Int16Array;
  /** The only child, or where the row begins. */
  readonly to: Int32Array;
  /** 0 = no child: the root is nobody's. */
  readonly rows: Int32Array;
  readonly classOf: Uint8Array;

  constructor(children: readonly ReadonlyMap<number, number>[]) {
    this.size = children.length;
    this.only = new Int16Array(this.size).fill(NONE);
    this.to = new Int32Array(this.size);
    this.classOf = new Uint8Array(256);
    const branching = children.filter((each) => each.size > 1);
    const bytes = [...new Set(branching.flatMap((each) => [...each.keys()]))];
    // Class 0 stands for the bytes that branch nowhere; if all 256 branch, the last takes that place.
    const width = Math.min(256, bytes.length + 1);
    bytes.forEach((byte, at) => (this.classOf[byte] = (at + 1) & 0xff));
    this.rows = new Int32Array(branching.length * width);
    let row = 0;
    children.forEach((each, node) => {
      if (each.size === 1) {
        const [byte, child] = each.entries().next().value!;
        this.only[node] = byte;
        this.to[node] = child;
      } else if (each.size > 1) {
        this.only[node] = SEVERAL;
        this.to[node] = row;
        for (const [byte, child] of each) this.rows[row + this.classOf[byte]!] = child;
        row += width;
      }
    });
  }

  /** The child, or 0. */
  child(node: number, byte: number): number {
    const only = this.only[node]!;
    if (only === byte) return this.to[node]!;
    return only === SEVERAL ? this.rows[this.to[node]! + this.classOf[byte]!]! : 0;
  }

  /** The children with the bytes that lead to them. */
  *edges(node: number): Generator<[byte: number, child: number]> {
    for (let byte = 0; byte < 256; byte++) {
      const child = this.child(node, byte);
      if (child !== 0) yield [byte, child];
    }
  }
}
