import { type ByteSet, hasByte, isFull, isNullable, type Node, onlyByte } from './syntax.ts';

/** Finds where one group took part in a match. `start` and `end` hold what the last successful `find` found. */
export interface Finder {
  readonly start: number;
  readonly end: number;
  find(bytes: Uint8Array, start: number, end: number): boolean;
}

/** Longer ones are left to the general search, which does not compare anew at each place. */
const LONGEST_LITERAL = 64;

/**
 * The group of patterns such as `/users/([^/]+)/.*`, which is what one hashes by: a literal, then a group that is one
 * repeated set, then something that cannot begin with a byte of that set (or takes anything). There the group is always
 * the whole run of such bytes, and one scan finds it, some thirty times faster than the general search.
 */
export class SimpleGroup implements Finder {
  start = 0;
  end = 0;
  private readonly anchored: boolean;
  private readonly literal: Uint8Array;
  private readonly set: Uint8Array;
  private readonly min: number;
  /** What must follow the run, and whether the input must end there. */
  private readonly behind: Uint8Array;
  private readonly toEnd: boolean;

  constructor(parts: SimpleParts) {
    this.anchored = parts.anchored;
    this.literal = parts.literal;
    this.set = Uint8Array.from({ length: 256 }, (_, byte) => (hasByte(parts.set, byte) ? 1 : 0));
    this.min = parts.min;
    this.behind = parts.behind;
    this.toEnd = parts.toEnd;
  }

  find(bytes: Uint8Array, start: number, end: number): boolean {
    const { literal, set, min, behind, toEnd, anchored } = this;
    const length = literal.length;
    for (let at = start; at + length <= end; at++) {
      if (hasAt(bytes, at, literal)) {
        const from = at + length;
        let to = from;
        while (to < end && set[bytes[to]!] === 1) to++;
        const last = to + behind.length;
        if (to - from >= min && last <= end && hasAt(bytes, to, behind) && (!toEnd || last === end)) {
          this.start = from;
          this.end = to;
          return true;
        }
        // A literal that ends within this run leads to the same end of it, and fails there too.
        at = Math.max(at, to - length);
      }
      if (anchored) return false;
    }
    return false;
  }
}

interface SimpleParts {
  readonly anchored: boolean;
  readonly literal: Uint8Array;
  readonly set: ByteSet;
  readonly min: number;
  readonly behind: Uint8Array;
  readonly toEnd: boolean;
}

/** The parts of a pattern of this form, or null. */
export function simpleParts(node: Node, group: number): SimpleParts | null {
  const items = flatten(node, group);
  let at = 0;
  const anchored = items[at]?.kind === 'start';
  if (anchored) at++;
  const literal: number[] = [];
  for (let byte; (byte = byteOf(items[at])) >= 0; at++) literal.push(byte);
  if ((literal.length === 0 && !anchored) || literal.length > LONGEST_LITERAL) return null;
  const own = items[at++];
  if (own?.kind !== 'group' || own.item.kind !== 'repeat') return null;
  const { item, min, max } = own.item;
  if (item.kind !== 'set' || max !== -1) return null;
  const behind: number[] = [];
  for (let byte; (byte = byteOf(items[at])) >= 0; at++) behind.push(byte);
  if (behind.length > LONGEST_LITERAL || (behind.length > 0 && hasByte(item.set, behind[0]!))) return null;
  const rest = items.slice(at);
  // What takes anything takes it to the end, always.
  if (rest.length > 1 && rest.at(-1)!.kind === 'end' && isAnything(rest.at(-2)!)) rest.pop();
  const parts = { anchored, literal: Uint8Array.from(literal), set: item.set, min, behind: Uint8Array.from(behind) };
  if (rest.length === 1 && rest[0]!.kind === 'end') return { ...parts, toEnd: true };
  if (!rest.every(isNullable)) return null;
  const free =
    behind.length > 0 || rest.length === 0 || isAnything(rest[0]!) || rest.every((each) => avoids(each, item.set));
  return free ? { ...parts, toEnd: false } : null;
}

/** The items of a sequence, without the groups that are not asked for. */
function flatten(node: Node, group: number): Node[] {
  if (node.kind === 'cat') return node.items.flatMap((item) => flatten(item, group));
  if (node.kind === 'group' && node.index !== group) return flatten(node.item, group);
  return node.kind === 'empty' ? [] : [node];
}

/** Whether no match of it, unless empty, begins with a byte of the set. Errs on the safe side. */
function avoids(node: Node, set: ByteSet): boolean {
  switch (node.kind) {
    case 'empty':
      return true;
    case 'set':
      return node.set.every((word, at) => (word & set[at]!) === 0);
    case 'start':
    case 'end':
      return false;
    case 'cat': {
      const needed = node.items.findIndex((item) => !isNullable(item));
      return node.items.slice(0, needed < 0 ? undefined : needed + 1).every((item) => avoids(item, set));
    }
    case 'alt':
      return node.items.every((item) => avoids(item, set));
    case 'repeat':
    case 'group':
      break;
  }
  return avoids(node.item, set);
}

function isAnything(node: Node): boolean {
  if (node.kind === 'group') return isAnything(node.item);
  return (
    node.kind === 'repeat' && node.min === 0 && node.max === -1 && node.item.kind === 'set' && isFull(node.item.set)
  );
}

function byteOf(node: Node | undefined): number {
  return node?.kind === 'set' ? onlyByte(node.set) : -1;
}

function hasAt(bytes: Uint8Array, at: number, literal: Uint8Array): boolean {
  for (let index = 0; index < literal.length; index++) if (bytes[at + index] !== literal[index]) return false;
  return true;
}
