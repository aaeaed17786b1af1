/** A pattern as a tree, before it becomes an automaton. Bytes, not characters: that is what is matched. */
export type Node =
  | { readonly kind: 'empty' }
  /** One byte out of a set. */
  | { readonly kind: 'set'; readonly set: ByteSet }
  /** `^` and `$`: the beginning and the end of what is searched; there are no lines. */
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'cat'; readonly items: readonly Node[] }
  | { readonly kind: 'alt'; readonly items: readonly Node[] }
  /** `max` −1 = unbounded. */
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number }
  /** Numbered from 1 in the order of the opening parentheses. */
  | { readonly kind: 'group'; readonly item: Node; readonly index: number };

/** 256 bits. */
export type ByteSet = Uint32Array;

export const EMPTY: Node = { kind: 'empty' };

/** A pattern that is not taken: says where, what was read and what was expected. */
export class PatternError extends Error {
  /** Characters before the fault. */
  readonly position: number;
  readonly read: string;
  readonly expected: string;

  constructor(position: number, read: string, expected: string) {
    super(`at character ${position + 1}: read ${read}, expected ${expected}`);
    this.name = 'PatternError';
    this.position = position;
    this.read = read;
    this.expected = expected;
  }
}

export function byteSet(): ByteSet {
  return new Uint32Array(8);
}

/** Adds the bytes from `low` to `high`, both included. */
export function addRange(set: ByteSet, low: number, high: number): void {
  for (let byte = low; byte <= high; byte++) set[byte >> 5]! |= 1 << (byte & 31);
}

export function hasByte(set: ByteSet, byte: number): boolean {
  return ((set[byte >> 5]! >>> (byte & 31)) & 1) === 1;
}

export function addAll(set: ByteSet, other: ByteSet): void {
  for (let word = 0; word < 8; word++) set[word]! |= other[word]!;
}

export function invert(set: ByteSet): void {
  for (let word = 0; word < 8; word++) set[word] = ~set[word]!;
}

/** Adds the other case of each ASCII letter. */
export function foldCase(set: ByteSet): void {
  for (let upper = 65; upper <= 90; upper++) {
    if (hasByte(set, upper)) addRange(set, upper + 32, upper + 32);
    else if (hasByte(set, upper + 32)) addRange(set, upper, upper);
  }
}

export function isFull(set: ByteSet): boolean {
  return set.every((word) => word === 0xffffffff);
}

/** The only byte of a set, or −1. */
export function onlyByte(set: ByteSet): number {
  let found = -1;
  for (let word = 0; word < 8; word++) {
    const bits = set[word]!;
    if (bits === 0) continue;
    if (found >= 0 || (bits & (bits - 1)) !== 0) return -1;
    found = word * 32 + 31 - Math.clz32(bits);
  }
  return found;
}

export function single(byte: number): Node {
  const set = byteSet();
  addRange(set, byte, byte);
  return { kind: 'set', set };
}

export function cat(items: readonly Node[]): Node {
  return items.length === 0 ? EMPTY : items.length === 1 ? items[0]! : { kind: 'cat', items };
}

/** Whether it matches nothing at all, whatever the place (anchors therefore do not count). */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'empty':
      return true;
    case 'set':
    case 'start':
    case 'end':
      return false;
    case 'cat':
      return node.items.every(isNullable);
    case 'alt':
      return node.items.some(isNullable);
    case 'repeat':
      return node.min === 0 || isNullable(node.item);
    case 'group':
      break;
  }
  return isNullable(node.item);
}
