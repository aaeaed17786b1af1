import { type ByteSet, type Node, onlyByte, PatternError } from './syntax.ts';

/**
 * Bits of one automaton. More than 33 words of 32 make a step slower than a microsecond at worst, and a literal of the
 * longest pattern (1,024 bytes) must fit.
 */
export const MAX_POSITIONS = 1055;

/** What a piece of a pattern is to its neighbours: where it begins, where it ends, whether it may be empty. */
export interface Fragment {
  readonly first: Uint32Array;
  readonly last: readonly number[];
  readonly nullable: boolean;
  /** Its positions: `begin … end`, the end not included. */
  readonly begin: number;
  readonly end: number;
}

/** Gives out positions and keeps what follows what, while a pattern is taken apart. */
export class Positions {
  readonly words: number;
  /** Row p: what may come behind position p. */
  readonly follow: Uint32Array;
  /** What a position takes: one byte, or one of a set; 'final' takes nothing. */
  readonly kinds: (number | ByteSet | 'start' | 'end' | 'final')[] = [];
  /** The distinct bytes and sets in use. */
  readonly single = new Set<number>();
  readonly sets = new Map<string, ByteSet>();

  /** @throws PatternError if the patterns need more than `MAX_POSITIONS` */
  constructor(nodes: readonly Node[]) {
    let size = 0;
    for (const node of nodes) size += countPositions(node) + 1;
    if (size > MAX_POSITIONS) {
      throw new PatternError(
        0,
        `a pattern of ${size} bytes with its repetitions written out`,
        `at most ${MAX_POSITIONS - 1}`,
      );
    }
    this.words = (size + 31) >> 5;
    this.follow = new Uint32Array(size * this.words);
  }

  get count(): number {
    return this.kinds.length;
  }

  bits(): Uint32Array {
    return new Uint32Array(this.words);
  }

  build(node: Node): Fragment {
    switch (node.kind) {
      case 'empty':
        return this.sequence([]);
      case 'set':
      case 'start':
      case 'end':
        return this.leaf(node);
      case 'group':
        return this.build(node.item);
      case 'cat':
        return this.sequence(node.items.map((item) => this.build(item)));
      case 'alt':
        return this.choice(node.items.map((item) => this.build(item)));
      case 'repeat':
        break;
    }
    return this.repeat(node.item, node.min, node.max);
  }

  sequence(items: readonly Fragment[]): Fragment {
    const first = this.bits();
    const begin = items[0]?.begin ?? this.count;
    for (const item of items) {
      or(first, item.first);
      if (!item.nullable) break;
    }
    const rest = this.bits();
    let last: number[] = [];
    let open = true;
    for (const item of items.toReversed()) {
      for (const position of item.last) this.append(position, rest);
      if (open) last = last.concat(item.last);
      if (!item.nullable) {
        open = false;
        rest.fill(0);
      }
      or(rest, item.first);
    }
    return { first, last, nullable: open, begin, end: this.count };
  }

  /** x{min,max}: as many copies; behind the copy number `min` the piece may end. */
  copies(items: readonly Fragment[], min: number): Fragment {
    const whole = this.sequence(items);
    const last = new Set(whole.last);
    let nullable = whole.nullable || min === 0;
    for (let copy = items.length; copy-- > 0;) {
      // What comes behind this copy may be left out, or may be empty.
      if (copy + 1 >= min) for (const position of items[copy]!.last) last.add(position);
    }
    if (min === 0) nullable = true;
    return { ...whole, last: [...last], nullable };
  }

  loop(item: Fragment, min: number): Fragment {
    for (const position of item.last) this.append(position, item.first);
    return min === 0 ? { ...item, nullable: true } : item;
  }

  /** Adds the final position behind a piece. */
  close(fragment: Fragment): number {
    const final = this.count;
    this.kinds.push('final');
    for (const position of fragment.last) this.follow[position * this.words + (final >> 5)]! |= 1 << (final & 31);
    return final;
  }

  private leaf(node: Node & { kind: 'set' | 'start' | 'end' }): Fragment {
    const position = this.count;
    const byte = node.kind === 'set' ? onlyByte(node.set) : -1;
    if (byte >= 0) {
      this.kinds.push(byte);
      this.single.add(byte);
    } else if (node.kind === 'set') {
      this.kinds.push(node.set);
      this.sets.set(node.set.join(), node.set);
    } else {
      this.kinds.push(node.kind);
    }
    const first = this.bits();
    first[position >> 5] = 1 << (position & 31);
    return { first, last: [position], nullable: false, begin: position, end: position + 1 };
  }

  choice(items: readonly Fragment[]): Fragment {
    const first = this.bits();
    for (const item of items) or(first, item.first);
    return {
      first,
      last: items.flatMap((item) => item.last),
      nullable: items.some((item) => item.nullable),
      begin: items[0]!.begin,
      end: this.count,
    };
  }

  private repeat(item: Node, min: number, max: number): Fragment {
    if (max === -1) {
      if (min <= 1) return this.loop(this.build(item), min);
      const copies = Array.from({ length: min - 1 }, () => this.build(item));
      return this.sequence([...copies, this.loop(this.build(item), 1)]);
    }
    return this.copies(
      Array.from({ length: max }, () => this.build(item)),
      min,
    );
  }

  private append(position: number, next: Uint32Array): void {
    const offset = position * this.words;
    for (let word = 0; word < this.words; word++) this.follow[offset + word]! |= next[word]!;
  }
}

/** Bytes, anchors included, with repetitions written out. */
export function countPositions(node: Node): number {
  switch (node.kind) {
    case 'empty':
      return 0;
    case 'set':
    case 'start':
    case 'end':
      return 1;
    case 'group':
      return countPositions(node.item);
    case 'cat':
    case 'alt':
      return node.items.reduce((sum, item) => sum + countPositions(item), 0);
    case 'repeat':
      break;
  }
  return countPositions(node.item) * Math.max(1, node.max === -1 ? node.min : node.max);
}

function or(bits: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < bits.length; word++) bits[word]! |= other[word]!;
}
