import { type Fragment, Positions } from './positions.ts';
import { hasByte, type Node } from './syntax.ts';

/**
 * A position automaton (Glushkov) as bit sets: one bit per byte of the pattern, so that a step over one byte of input
 * costs a few machine words. A state is the set of positions that may take the next byte. Most positions are followed
 * by their neighbour (one shift for all of them) or by themselves (one mask); the rest are `exceptions`, each with the
 * set of what follows.
 *
 * Several patterns may stand side by side; pattern k owns the bits `begin[k] … final[k]`, and its bit `final[k]` says
 * that it has matched. `^` and `$` are positions that take no byte but let pass where they hold.
 */
export interface Automaton {
  readonly words: number;
  /** Byte → class; bytes of one class are told apart by no pattern. */
  readonly classOf: Uint8Array;
  readonly classes: number;
  /** Which positions take a byte of class c: words c * words … */
  readonly takes: Uint32Array;
  readonly shift: Uint32Array;
  readonly loop: Uint32Array;
  /** Positions with an exception, as bits, and the exception's number by position. */
  readonly exceptional: Uint32Array;
  readonly exceptionOf: Int32Array;
  readonly exceptions: readonly Exception[];
  /** Where a match begins: in general, and (behind `^`) at the beginning alone. */
  readonly first: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly begin: Int32Array;
  readonly final: Int32Array;
  readonly finals: Uint32Array;
  /** What one step may cost at worst, in units of roughly a nanosecond. */
  readonly cost: number;
}

export interface Exception {
  readonly position: number;
  /** Word of the first and behind the last one of `row`. */
  readonly low: number;
  readonly high: number;
  /** What follows, without the neighbour and without itself. */
  readonly row: Uint32Array;
}

/** The automaton of patterns side by side. */
export function buildAutomaton(nodes: readonly Node[]): Automaton {
  const positions = new Positions(nodes);
  const begin = new Int32Array(nodes.length);
  const final = new Int32Array(nodes.length);
  const first = positions.bits();
  nodes.forEach((node, index) => {
    begin[index] = positions.count;
    const fragment = positions.build(node);
    const bit = positions.close(fragment);
    final[index] = bit;
    for (let word = 0; word < first.length; word++) first[word]! |= fragment.first[word]!;
    if (fragment.nullable) setBit(first, bit);
  });
  return assemble(positions, first, begin, final);
}

/** The automaton of one piece that has been built by hand, for the search for a group. */
export function fromFragment(positions: Positions, fragment: Fragment): Automaton {
  const final = positions.close(fragment);
  const first = fragment.first.slice();
  if (fragment.nullable) setBit(first, final);
  return assemble(positions, first, new Int32Array(1), Int32Array.of(final));
}

function assemble(positions: Positions, first: Uint32Array, begin: Int32Array, final: Int32Array): Automaton {
  const words = positions.words;
  const { classOf, classes, takes } = classify(positions);
  const shift = positions.bits();
  const loop = positions.bits();
  const exceptional = positions.bits();
  const starts = positions.bits();
  const ends = positions.bits();
  const finals = positions.bits();
  const exceptionOf = new Int32Array(words * 32).fill(-1);
  const exceptions: Exception[] = [];
  for (const bit of final) setBit(finals, bit);
  let cost = 4 * words;
  for (let position = 0; position < positions.count; position++) {
    const kind = positions.kinds[position]!;
    if (kind === 'start') setBit(starts, position);
    if (kind === 'end') setBit(ends, position);
    const row = positions.follow.slice(position * words, (position + 1) * words);
    if (clearBit(row, position + 1)) setBit(shift, position);
    if (clearBit(row, position)) setBit(loop, position);
    const low = row.findIndex((word) => word !== 0);
    if (low < 0) continue;
    const high = row.findLastIndex((word) => word !== 0) + 1;
    setBit(exceptional, position);
    exceptionOf[position] = exceptions.length;
    exceptions.push({ position, low, high, row });
    cost += 4 + high - low;
  }
  return {
    words, classOf, classes, takes, shift, loop, exceptional, exceptionOf, exceptions,
    first, starts, ends, begin, final, finals, cost,
  }; // prettier-ignore
}

/** Splits the 256 bytes into those that the sets in use tell apart. */
function classify(positions: Positions): { classOf: Uint8Array; classes: number; takes: Uint32Array } {
  const { words, kinds } = positions;
  const classOf = new Uint8Array(256);
  const sizes = new Int32Array(256);
  sizes[0] = 256;
  let classes = 1;
  for (const byte of positions.single) {
    const own = classOf[byte]!;
    if (sizes[own] === 1) continue;
    sizes[own]!--;
    sizes[classes] = 1;
    classOf[byte] = classes++;
  }
  for (const set of positions.sets.values()) {
    const inside = new Int32Array(classes);
    for (let byte = 0; byte < 256; byte++) if (hasByte(set, byte)) inside[classOf[byte]!]!++;
    // Which part of a class lies inside gets a number of its own, unless it is all of it.
    const moved = inside.map((count, own) => (count === 0 || count === sizes[own] ? own : classes++));
    for (let byte = 0; byte < 256; byte++) {
      const own = classOf[byte]!;
      if (moved[own] === own || !hasByte(set, byte)) continue;
      sizes[own]!--;
      sizes[moved[own]!]!++;
      classOf[byte] = moved[own]!;
    }
  }
  const representative = new Uint8Array(classes);
  for (let byte = 0; byte < 256; byte++) representative[classOf[byte]!] = byte;
  const takes = new Uint32Array(classes * words);
  kinds.forEach((kind, position) => {
    const [word, bit] = [position >> 5, 1 << (position & 31)];
    if (typeof kind === 'number') {
      takes[classOf[kind]! * words + word]! |= bit;
    } else if (typeof kind !== 'string') {
      for (let each = 0; each < classes; each++) {
        if (hasByte(kind, representative[each]!)) takes[each * words + word]! |= bit;
      }
    }
  });
  return { classOf, classes, takes };
}

export function setBit(bits: Uint32Array, bit: number): void {
  bits[bit >> 5]! |= 1 << (bit & 31);
}

export function hasBit(bits: Uint32Array, bit: number): boolean {
  return ((bits[bit >> 5]! >>> (bit & 31)) & 1) === 1;
}

/** Says whether it was set. */
export function clearBit(bits: Uint32Array, bit: number): boolean {
  const had = hasBit(bits, bit);
  bits[bit >> 5]! &= ~(1 << (bit & 31));
  return had;
}
