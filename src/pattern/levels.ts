import { type Automaton, fromFragment, setBit } from './automaton.ts';
import { type Fragment, Positions } from './positions.ts';
import type { Node } from './syntax.ts';

/**
 * One step down from a piece of the pattern, whose span is known, to the part of it that holds the group.
 * - sequence: the parts in order, up to the one that holds the group
 * - copies: x{min,max}, the last copy that takes part
 * - loop: x* or x+, the last round
 * - choice: an alternative, if none before it fits
 */
export type Level =
  | { readonly kind: 'sequence'; readonly whole: Automaton; readonly parts: readonly Part[] }
  | { readonly kind: 'copies'; readonly whole: Automaton; readonly parts: readonly Part[]; readonly min: number }
  | { readonly kind: 'loop'; readonly whole: Automaton; readonly round: Automaton; readonly part: Part }
  | {
      readonly kind: 'choice';
      readonly whole: Automaton;
      readonly before: readonly Uint32Array[];
      readonly own: Uint32Array;
    };

/** A part of a piece in the piece's own positions. */
export interface Part {
  readonly first: Uint32Array;
  /** Its last positions, and all of them. */
  readonly last: Uint32Array;
  readonly inside: Uint32Array;
  readonly nullable: boolean;
  /** How what comes behind it may begin; holds the final position where nothing need come. */
  readonly rest: Uint32Array;
}

/** The way from a pattern to its group: from the outside in. Null if no part of the pattern is that group. */
export function levelsTo(node: Node, group: number): Level[] | null {
  const levels: Level[] = [];
  let here: Node = node;
  for (;;) {
    switch (here.kind) {
      case 'group':
        if (here.index === group) return levels;
        here = here.item;
        break;
      case 'cat': {
        const at = here.items.findIndex((item) => holds(item, group));
        if (at < 0) return null;
        levels.push(sequenceLevel(here.items, at));
        here = here.items[at]!;
        break;
      }
      case 'alt': {
        const at = here.items.findIndex((item) => holds(item, group));
        if (at < 0) return null;
        levels.push(choiceLevel(here.items, at));
        here = here.items[at]!;
        break;
      }
      case 'repeat': {
        if (here.max !== -1) levels.push(copiesLevel(here.item, here.min, here.max));
        else if (here.min <= 1) levels.push(loopLevel(here.item));
        else {
          const { item, min } = here;
          const loop: Node = { kind: 'repeat', item, min: 1, max: -1 };
          const items = [...Array.from({ length: min - 1 }, () => item), loop];
          levels.push(sequenceLevel(items, min - 1), loopLevel(item));
        }
        here = here.item;
        break;
      }
      case 'empty':
      case 'set':
      case 'start':
      case 'end':
        return null;
    }
  }
}

function holds(node: Node, group: number): boolean {
  switch (node.kind) {
    case 'group':
      return node.index === group || holds(node.item, group);
    case 'cat':
    case 'alt':
      return node.items.some((item) => holds(item, group));
    case 'repeat':
      return holds(node.item, group);
    case 'empty':
    case 'set':
    case 'start':
    case 'end':
      break;
  }
  return false;
}

function sequenceLevel(items: readonly Node[], at: number): Level {
  const positions = new Positions([{ kind: 'cat', items }]);
  const fragments = items.map((item) => positions.build(item));
  const whole = fromFragment(positions, positions.sequence(fragments));
  return { kind: 'sequence', whole, parts: partsOf(whole, fragments, fragments.length).slice(0, at + 1) };
}

function copiesLevel(item: Node, min: number, max: number): Level {
  const positions = new Positions([{ kind: 'repeat', item, min, max }]);
  const fragments = Array.from({ length: max }, () => positions.build(item));
  const whole = fromFragment(positions, positions.copies(fragments, min));
  return { kind: 'copies', whole, parts: partsOf(whole, fragments, min), min };
}

/** `needed`: so many parts must come, if only with nothing in them; the piece may end behind any later one. */
function partsOf(whole: Automaton, fragments: readonly Fragment[], needed: number): Part[] {
  const rest = new Uint32Array(whole.words);
  setBit(rest, whole.final[0]!);
  const parts: Part[] = [];
  for (let index = fragments.length; index-- > 0;) {
    const fragment = fragments[index]!;
    parts.push(partOf(whole, fragment, rest.slice()));
    if (!fragment.nullable && index < needed) rest.fill(0);
    for (let word = 0; word < rest.length; word++) rest[word]! |= fragment.first[word]!;
  }
  // Behind a copy that may be left out together with all that follow, its own end is still the end of the piece; a
  // part that must come and cannot be empty has cleared the final position from what stands before it.
  return parts.toReversed();
}

function partOf(whole: Automaton, fragment: Fragment, rest: Uint32Array): Part {
  const last = new Uint32Array(whole.words);
  const inside = new Uint32Array(whole.words);
  for (const position of fragment.last) setBit(last, position);
  for (let position = fragment.begin; position < fragment.end; position++) setBit(inside, position);
  return { first: fragment.first, last, inside, nullable: fragment.nullable, rest };
}

function loopLevel(item: Node): Level {
  const looped = new Positions([item]);
  const whole = fromFragment(looped, looped.loop(looped.build(item), 0));
  const positions = new Positions([item]);
  const fragment = positions.build(item);
  const round = fromFragment(positions, fragment);
  const rest = fragment.first.slice();
  setBit(rest, round.final[0]!);
  return { kind: 'loop', whole, round, part: partOf(round, fragment, rest) };
}

function choiceLevel(items: readonly Node[], at: number): Level {
  const positions = new Positions([{ kind: 'alt', items }]);
  const fragments = items.map((item) => positions.build(item));
  const whole = fromFragment(positions, positions.choice(fragments));
  const firsts = fragments.map((fragment) => {
    const first = fragment.first.slice();
    if (fragment.nullable) setBit(first, whole.final[0]!);
    return first;
  });
  return { kind: 'choice', whole, before: firsts.slice(0, at), own: firsts[at]! };
}
