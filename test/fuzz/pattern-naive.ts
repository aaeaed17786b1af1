/** Patterns as trees, made at random, and the plainest matcher for them: what the engine is compared with. */
export type Expr =
  | { readonly kind: 'text'; readonly source: string; readonly takes: (byte: number) => boolean }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'cat' | 'alt'; readonly items: readonly Expr[] }
  | { readonly kind: 'repeat'; readonly item: Expr; readonly min: number; readonly max: number; readonly mark: string }
  | { readonly kind: 'group'; readonly item: Expr; readonly index: number };

export interface Sample {
  readonly expr: Expr;
  /** Means the same as an extended regular expression, in RE2's syntax and in JavaScript. */
  readonly source: string;
  readonly groups: number;
}

const ALPHABET = 'ab/';

/** Uniform in 0 … 1 from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function randomSample(random: () => number, depth = 3): Sample {
  const state = { groups: 0 };
  const expr = randomExpr(random, depth, state);
  return { expr, source: print(expr), groups: state.groups };
}

export function randomInput(random: () => number, most = 8): Uint8Array {
  const length = Math.floor(random() * (most + 1));
  return Uint8Array.from({ length }, () => (ALPHABET + 'c').charCodeAt(Math.floor(random() * 4)));
}

function randomExpr(random: () => number, depth: number, state: { groups: number }): Expr {
  const pick = random();
  if (depth === 0 || pick < 0.25) return randomLeaf(random);
  if (pick < 0.55) {
    return { kind: 'cat', items: several(random, () => randomExpr(random, depth - 1, state)) };
  }
  if (pick < 0.7) {
    const index = ++state.groups;
    return { kind: 'group', item: randomExpr(random, depth - 1, state), index };
  }
  if (pick < 0.85) {
    // An alternative stands in a group, so that it can be printed anywhere.
    const index = ++state.groups;
    const items = several(random, () => randomExpr(random, depth - 1, state));
    return { kind: 'group', item: { kind: 'alt', items }, index };
  }
  const item = randomAtom(random, depth, state);
  const marks: readonly [string, number, number][] = [
    ['*', 0, -1],
    ['+', 1, -1],
    ['?', 0, 1],
    ['{2}', 2, 2],
    ['{0,2}', 0, 2],
    ['{1,3}', 1, 3],
    ['{2,}', 2, -1],
  ];
  const [mark, min, max] = marks[Math.floor(random() * marks.length)]!;
  return { kind: 'repeat', item, min, max, mark };
}

function randomAtom(random: () => number, depth: number, state: { groups: number }): Expr {
  if (random() < 0.4) return randomText(random);
  const index = ++state.groups;
  return { kind: 'group', item: randomExpr(random, depth - 1, state), index };
}

function randomLeaf(random: () => number): Expr {
  const pick = random();
  if (pick < 0.06) return { kind: 'start' };
  if (pick < 0.12) return { kind: 'end' };
  return randomText(random);
}

function randomText(random: () => number): Expr {
  const sources = ['a', 'b', '/', 'a', 'b', '.', '[ab]', '[^a]', '[b-c]'];
  const source = sources[Math.floor(random() * sources.length)]!;
  const tests: Readonly<Record<string, (byte: number) => boolean>> = {
    '.': () => true,
    '[ab]': (byte) => byte === 97 || byte === 98,
    '[^a]': (byte) => byte !== 97,
    '[b-c]': (byte) => byte === 98 || byte === 99,
  };
  return { kind: 'text', source, takes: tests[source] ?? ((byte) => byte === source.charCodeAt(0)) };
}

function several<Item>(random: () => number, make: () => Item): Item[] {
  return Array.from({ length: 1 + Math.floor(random() * 3) }, make);
}

export function print(expr: Expr): string {
  switch (expr.kind) {
    case 'text':
      return expr.source;
    case 'start':
      return '^';
    case 'end':
      return '$';
    case 'cat':
      return expr.items.map(print).join('');
    case 'alt':
      return expr.items.map(print).join('|');
    case 'repeat':
      return print(expr.item) + expr.mark;
    case 'group':
      break;
  }
  return `(${print(expr.item)})`;
}

/** All places where a match of `expr` that begins at `at` may end. */
export function endsOf(expr: Expr, bytes: Uint8Array, at: number): Set<number> {
  switch (expr.kind) {
    case 'text':
      return new Set(at < bytes.length && expr.takes(bytes[at]!) ? [at + 1] : []);
    case 'start':
      return new Set(at === 0 ? [at] : []);
    case 'end':
      return new Set(at === bytes.length ? [at] : []);
    case 'cat':
      return endsOfAll(expr.items, bytes, at);
    case 'alt':
      return new Set(expr.items.flatMap((item) => [...endsOf(item, bytes, at)]));
    case 'repeat':
      return endsOfRepeat(expr.item, expr.min, expr.max, bytes, at);
    case 'group':
      break;
  }
  return endsOf(expr.item, bytes, at);
}

function endsOfAll(items: readonly Expr[], bytes: Uint8Array, at: number): Set<number> {
  let places = new Set([at]);
  for (const item of items) places = new Set([...places].flatMap((place) => [...endsOf(item, bytes, place)]));
  return places;
}

function endsOfRepeat(item: Expr, min: number, max: number, bytes: Uint8Array, at: number): Set<number> {
  let places = new Set([at]);
  const all = new Set(min === 0 ? [at] : []);
  // After as many rounds as there are bytes, a round more cannot reach anything new.
  const rounds = max === -1 ? min + bytes.length + 1 : max;
  for (let round = 1; round <= rounds; round++) {
    places = new Set([...places].flatMap((place) => [...endsOf(item, bytes, place)]));
    if (round >= min) for (const place of places) all.add(place);
  }
  return all;
}

export function naiveTest(expr: Expr, bytes: Uint8Array): boolean {
  for (let at = 0; at <= bytes.length; at++) if (endsOf(expr, bytes, at).size > 0) return true;
  return false;
}

/** POSIX's rule for one group, as it is written down, by trying everything. */
export function naiveGroup(expr: Expr, group: number, bytes: Uint8Array): [number, number] | null {
  for (let at = 0; at <= bytes.length; at++) {
    const ends = endsOf(expr, bytes, at);
    if (ends.size > 0) return groupWithin(expr, group, bytes, at, Math.max(...ends));
  }
  return null;
}

function groupWithin(
  expr: Expr,
  group: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): [number, number] | null {
  switch (expr.kind) {
    case 'text':
    case 'start':
    case 'end':
      return null;
    case 'group':
      return expr.index === group ? [start, end] : groupWithin(expr.item, group, bytes, start, end);
    case 'alt': {
      const taken = expr.items.find((item) => endsOf(item, bytes, start).has(end));
      return taken === undefined ? null : groupWithin(taken, group, bytes, start, end);
    }
    case 'cat': {
      let at = start;
      for (let index = 0; index < expr.items.length; index++) {
        const rest = expr.items.slice(index + 1);
        const to = longest(expr.items[index]!, bytes, at, (place) => endsOfAll(rest, bytes, place).has(end));
        const found = groupWithin(expr.items[index]!, group, bytes, at, to);
        if (found !== null) return found;
        at = to;
      }
      return null;
    }
    case 'repeat':
      break;
  }
  const { item, min, max } = expr;
  let last: [number, number] | null = null;
  let at = start;
  const rounds = max === -1 ? Infinity : max;
  for (let round = 0; round < rounds; round++) {
    if (at === end && round >= Math.max(min, 1)) break;
    const left = (place: number): boolean =>
      endsOfRepeat(item, Math.max(0, min - round - 1), max === -1 ? -1 : max - round - 1, bytes, place).has(end);
    const to = longest(item, bytes, at, left);
    if (to < 0) break;
    last = [at, to];
    at = to;
  }
  return last === null ? null : groupWithin(item, group, bytes, last[0], last[1]);
}

function longest(item: Expr, bytes: Uint8Array, at: number, fits: (place: number) => boolean): number {
  return Math.max(-1, ...[...endsOf(item, bytes, at)].filter(fits));
}
