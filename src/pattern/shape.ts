import { addAll, byteSet, cat, EMPTY, isFull, isNullable, type Node, onlyByte } from './syntax.ts';

/** What a search for a pattern comes down to; most patterns of real tables need no automaton. */
export type Shape =
  | { readonly kind: 'any' }
  /** The literal stands somewhere / at the beginning / is all there is. */
  | { readonly kind: 'contains' | 'starts' | 'equals'; readonly literal: Uint8Array }
  /** Needs the automaton; each of the literals stands in whatever matches. */
  | { readonly kind: 'free'; readonly required: readonly Uint8Array[] };

/** The tree without groups and in fewer, larger pieces; it matches what the given one matches. */
export function normalise(node: Node): Node {
  switch (node.kind) {
    case 'empty':
    case 'set':
    case 'start':
    case 'end':
      return node;
    case 'group':
      return normalise(node.item);
    case 'cat': {
      const items = node.items.map(normalise).flatMap((item) => (item.kind === 'cat' ? item.items : [item]));
      return cat(items.filter((item) => item.kind !== 'empty'));
    }
    case 'alt':
      return normaliseAlternatives(node.items.map(normalise));
    case 'repeat':
      break;
  }
  return normaliseRepeat(normalise(node.item), node.min, node.max);
}

function normaliseAlternatives(given: readonly Node[]): Node {
  const items: Node[] = [];
  const set = byteSet();
  let at = -1;
  for (const item of given.flatMap((each) => (each.kind === 'alt' ? each.items : [each]))) {
    if (item.kind === 'set') {
      addAll(set, item.set);
      if (at < 0) at = items.push(item) - 1;
    } else {
      items.push(item);
    }
  }
  if (at >= 0) items[at] = { kind: 'set', set };
  return items.length === 1 ? items[0]! : { kind: 'alt', items };
}

/** (x?){m,n} and the like: the inner repetition would cost an edge from each copy to each later one. */
function normaliseRepeat(item: Node, min: number, max: number): Node {
  if (max === 0 || item.kind === 'empty') return EMPTY;
  if (min === 1 && max === 1) return item;
  if (item.kind === 'repeat' && item.max === -1 && item.min <= 1) {
    return { kind: 'repeat', item: item.item, min: item.min === 1 ? min : 0, max: -1 };
  }
  if (item.kind === 'repeat' && item.min === 0 && item.max === 1) return { ...item, min: 0, max };
  // x{0,n} of what may be empty needs no lower bound.
  return { kind: 'repeat', item, min: isNullable(item) ? 0 : min, max };
}

/** What is left to search for: nullable items at the ends of a search decide nothing. */
export function trim(node: Node): Node {
  const items = node.kind === 'cat' ? [...node.items] : [node];
  for (;;) {
    const first = items[0];
    const last = items.at(-1);
    if (first === undefined) return EMPTY;
    if (isNullable(first)) items.shift();
    else if (isNullable(last!)) items.pop();
    else if (first.kind === 'start' && items.length > 1 && isAnything(items[1]!)) items.splice(0, 2);
    else if (last!.kind === 'end' && items.length > 1 && isAnything(items.at(-2)!)) items.splice(-2, 2);
    else return cat(items);
  }
}

/** The shape of a normalised, trimmed tree. */
export function shapeOf(node: Node): Shape {
  if (node.kind === 'empty') return { kind: 'any' };
  const items = node.kind === 'cat' ? node.items : [node];
  const starts = items[0]!.kind === 'start';
  const ends = items.at(-1)!.kind === 'end';
  const literal: number[] = [];
  for (const item of items.slice(starts ? 1 : 0, ends ? -1 : undefined)) {
    const byte = item.kind === 'set' ? onlyByte(item.set) : -1;
    if (byte < 0) return { kind: 'free', required: requiredLiterals(node) };
    literal.push(byte);
  }
  if (starts && ends) return { kind: 'equals', literal: Uint8Array.from(literal) };
  if (literal.length === 0) return { kind: 'any' };
  if (starts) return { kind: 'starts', literal: Uint8Array.from(literal) };
  if (ends) return { kind: 'free', required: [Uint8Array.from(literal)] };
  return { kind: 'contains', literal: Uint8Array.from(literal) };
}

/** The runs of bytes that every match contains. */
function requiredLiterals(node: Node): Uint8Array[] {
  const runs: Uint8Array[] = [];
  let run: number[] = [];
  const close = (): void => {
    if (run.length > 0) runs.push(Uint8Array.from(run));
    run = [];
  };
  const walk = (item: Node): void => {
    if (item.kind === 'cat') {
      item.items.forEach(walk);
      return;
    }
    const byte = item.kind === 'set' ? onlyByte(item.set) : -1;
    if (byte >= 0) {
      run.push(byte);
      return;
    }
    close();
    if (item.kind === 'repeat' && item.min > 0) {
      walk(item.item);
      close();
    }
  };
  walk(node);
  close();
  return runs;
}

function isAnything(node: Node): boolean {
  return (
    node.kind === 'repeat' && node.min === 0 && node.max === -1 && node.item.kind === 'set' && isFull(node.item.set)
  );
}
