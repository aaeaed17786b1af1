import type { Automaton } from './automaton.ts';

/**
 * `to` = what follows the positions of `from` that are in `mask`: one step over a byte where the mask is what takes it.
 * Both sets are given as words from an offset on; `to` must not be `from`.
 */
export function follow(
  automaton: Automaton,
  from: Uint32Array,
  fromOffset: number,
  mask: Uint32Array,
  maskOffset: number,
  to: Uint32Array,
): void {
  const { words, shift, loop, exceptional } = automaton;
  let carry = 0;
  let special = 0;
  for (let word = 0; word < words; word++) {
    const taken = from[fromOffset + word]! & mask[maskOffset + word]!;
    const shifted = taken & shift[word]!;
    to[word] = (shifted << 1) | carry | (taken & loop[word]!);
    carry = shifted >>> 31;
    special |= taken & exceptional[word]!;
  }
  if (special === 0) return;
  const { exceptions, exceptionOf } = automaton;
  for (let word = 0; word < words; word++) {
    let left = from[fromOffset + word]! & mask[maskOffset + word]! & exceptional[word]!;
    while (left !== 0) {
      const bit = 31 - Math.clz32(left);
      left ^= 1 << bit;
      const { low, high, row } = exceptions[exceptionOf[word * 32 + bit]!]!;
      for (let each = low; each < high; each++) to[each]! |= row[each]!;
    }
  }
}

/** Adds to `set` what stands behind its anchors of one kind (`starts` or `ends` of the automaton), where they hold. */
export function passAnchors(
  automaton: Automaton,
  set: Uint32Array,
  anchors: Uint32Array,
  scratch: Uint32Array,
): boolean {
  let passed = false;
  for (let changed = true; changed;) {
    follow(automaton, set, 0, anchors, 0, scratch);
    changed = false;
    for (let word = 0; word < automaton.words; word++) {
      if ((scratch[word]! & ~set[word]!) === 0) continue;
      set[word]! |= scratch[word]!;
      changed = passed = true;
    }
  }
  return passed;
}

/**
 * The step backwards: the positions of class `taken` whose followers meet `next`, into `to` from `toOffset` on.
 */
export function precede(
  automaton: Automaton,
  next: Uint32Array,
  nextOffset: number,
  mask: Uint32Array,
  maskOffset: number,
  to: Uint32Array,
  toOffset: number,
): void {
  const { words, shift, loop, exceptions } = automaton;
  let carry = 0;
  for (let word = words - 1; word >= 0; word--) {
    const here = next[nextOffset + word]!;
    const shifted = ((here >>> 1) | carry) & shift[word]!;
    to[toOffset + word] = (shifted | (here & loop[word]!)) & mask[maskOffset + word]!;
    carry = (here & 1) << 31;
  }
  for (const { position, low, high, row } of exceptions) {
    const bit = 1 << (position & 31);
    if ((mask[maskOffset + (position >> 5)]! & bit) === 0) continue;
    for (let word = low; word < high; word++) {
      if ((row[word]! & next[nextOffset + word]!) === 0) continue;
      to[toOffset + (position >> 5)]! |= bit;
      break;
    }
  }
}
