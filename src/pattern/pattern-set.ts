import { StateBudget } from './budget.ts';
import { Candidates } from './candidates.ts';
import { divide, type FreeEntry, type Group, runGroup } from './groups.ts';
import { NO_INDEX } from './index-lists.ts';
import { LiteralSearch } from './literal-search.ts';
import { type LiteralKind, PathTree } from './path-tree.ts';
import type { Pattern } from './pattern.ts';

/** One of the things that a set looks for. */
export interface SetEntry {
  /** The place in the order of the rules; each at most once. */
  readonly index: number;
  readonly match: Pattern | Literal;
  /** Whether the match alone decides; else whoever asks looks at more than the path. */
  readonly decisive: boolean;
}

/** Compared from the beginning on: the whole, whole path segments, or any prefix. */
export interface Literal {
  readonly kind: LiteralKind;
  readonly literal: Uint8Array;
}

/** For the states of all automata of one set (one virtual server). */
const SET_BUDGET = 1024 * 1024;

/** What to do when a literal of an entry was seen: it matches, its pattern is asked, or its group is run. */
const MATCHES = -2;
const ASK = -1;

/**
 * Many patterns, prefixes and exact paths at once: the lowest index that matches, at a cost that hardly depends on how
 * many there are. Literals from the beginning are one walk down a tree, literals anywhere one walk over the path; free
 * patterns are looked at only if a literal that they need was seen.
 */
export class PatternSet {
  readonly budget = new StateBudget(SET_BUDGET);
  private readonly tree: PathTree;
  private readonly literals: LiteralSearch;
  /** Patterns that match whatever comes: the lowest decisive one, and the others. */
  private readonly lowestAlways: number;
  private readonly always: Int32Array;
  /** By index: `MATCHES`, `ASK`, or the number of a group. */
  private readonly action: Int32Array;
  /** By index, of those that are looked at again; literals from the beginning are in the tree, and nowhere else. */
  private readonly patterns: readonly (SetEntry | undefined)[];
  private readonly groups: readonly Group[];
  private readonly ungated: readonly Group[];
  private readonly pending: Candidates;
  private readonly none: Candidates;

  constructor(entries: readonly SetEntry[]) {
    const base = entries.reduce((most, each) => Math.max(most, each.index + 1), 0);
    const anchored: (Literal & { index: number; decisive: boolean })[] = [];
    const anywhere: { literal: Uint8Array; index: number; decisive: boolean }[] = [];
    const free: FreeEntry[] = [];
    const always: number[] = [];
    const patterns: (SetEntry | undefined)[] = [];
    let lowestAlways = NO_INDEX;
    for (const entry of entries) {
      const { index, match, decisive } = entry;
      if (!('shape' in match)) {
        anchored.push({ ...match, index, decisive });
        continue;
      }
      if (patterns.length === 0) patterns.length = base;
      patterns[index] = entry;
      match.shareBudget(this.budget);
      const { shape } = match;
      if (shape.kind === 'free') free.push({ index, pattern: match, decisive, required: shape.required });
      else if (shape.kind === 'contains') anywhere.push({ literal: shape.literal, index, decisive });
      else if (shape.kind !== 'any') anchored.push({ kind: shape.kind, literal: shape.literal, index, decisive });
      else if (decisive) lowestAlways = Math.min(lowestAlways, index);
      else always.push(index);
    }
    const { groups, gates } = divide(free, this.budget);
    this.action = new Int32Array(base).fill(MATCHES);
    for (const { index, literal } of gates) {
      this.action[index] = ASK;
      if (literal !== null) anywhere.push({ literal, index, decisive: false });
    }
    groups.forEach((group, number) => {
      for (const index of group.indices) this.action[index] = number;
    });
    this.patterns = patterns;
    this.groups = groups;
    this.ungated = groups.filter((group) => group.always);
    this.tree = new PathTree(anchored);
    this.literals = new LiteralSearch(anywhere);
    this.lowestAlways = lowestAlways;
    this.always = Int32Array.from(always.toSorted((a, b) => a - b));
    this.pending = new Candidates(base);
    this.none = new Candidates(base);
  }

  /** The lowest index that matches `bytes[start … end)`, or −1; for sets whose entries are all decisive. */
  first(bytes: Uint8Array, start: number, end: number): number {
    this.none.clear();
    const found = this.search(bytes, start, end, NO_INDEX, this.none);
    return found === NO_INDEX ? -1 : found;
  }

  /**
   * The lowest decisive index below `best` that matches, else `best`. The others that match, as far as they are below
   * what is given back (and possibly some above), are added to `candidates`, in no order.
   */
  search(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    if (this.lowestAlways < best) best = this.lowestAlways;
    for (let at = 0; at < this.always.length && this.always[at]! < best; at++) candidates.add(this.always[at]!);
    if (this.tree.lowest < best) best = this.tree.search(bytes, start, end, best, candidates);
    if (this.literals.lowest < best) {
      const { pending } = this;
      pending.clear();
      best = this.literals.search(bytes, start, end, best, pending);
      if (pending.count > 0) best = this.look(bytes, start, end, best, candidates);
    }
    for (let at = 0; at < this.ungated.length; at++) {
      const group = this.ungated[at]!;
      if (group.lowest < best) best = runGroup(group, bytes, start, end, best, candidates);
    }
    return best;
  }

  /** At the entries of which a literal was seen, in their order. */
  private look(bytes: Uint8Array, start: number, end: number, best: number, candidates: Candidates): number {
    const { pending, action } = this;
    pending.sort();
    for (const group of this.groups) group.done = false;
    for (let at = 0; at < pending.count; at++) {
      const index = pending.indices[at]!;
      if (index >= best) break;
      const what = action[index]!;
      if (what >= 0) {
        const group = this.groups[what]!;
        if (!group.done) best = runGroup(group, bytes, start, end, best, candidates);
        group.done = true;
        continue;
      }
      const { match, decisive } = this.patterns[index]!;
      if (what === ASK && 'shape' in match && !match.test(bytes, start, end)) continue;
      if (decisive) return index;
      candidates.add(index);
    }
    return best;
  }
}
