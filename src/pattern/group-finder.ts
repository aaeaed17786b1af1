import { type Automaton, buildAutomaton } from './automaton.ts';
import { type Level, levelsTo, type Part } from './levels.ts';
import type { Finder } from './simple-group.ts';
import { follow, passAnchors, precede } from './step.ts';
import { type Node, PatternError } from './syntax.ts';

/** Units of cost over all levels: keeps the longest path under some 20 ms, whatever the pattern. */
const MAX_COST = 400;

/**
 * Finds where one group of a pattern matched, by the POSIX rule (XBD 9.1): the match that begins first, of those the
 * longest; within it each part in turn, from left to right, takes as much as it can while the rest still fits; of
 * repetitions the last round counts, and a round takes nothing only where nothing else is left; between alternatives
 * that fit equally the first. A group outside of what took part has no text.
 *
 * One pass backwards over a piece's span says from which positions its end can still be reached; the walk forwards then
 * never has to try anything twice. So the time is length x cost of the levels.
 */
export class GroupFinder implements Finder {
  /** The span of the last group found. */
  start = 0;
  end = 0;
  private readonly root: Automaton;
  private readonly levels: readonly Level[] | null;
  private readonly set: Uint32Array;
  private readonly next: Uint32Array;
  private bytes: Uint8Array = new Uint8Array(0);
  private from = 0;
  private to = 0;

  /** @throws PatternError where the search would be too expensive */
  constructor(node: Node, group: number) {
    this.root = buildAutomaton([node]);
    this.levels = levelsTo(node, group);
    let cost = this.root.cost;
    for (const level of this.levels ?? []) cost += level.whole.cost;
    if (cost > MAX_COST) {
      throw new PatternError(
        0,
        `a search for group ${group} of cost ${cost}`,
        `at most ${MAX_COST}: a simpler pattern`,
      );
    }
    this.set = new Uint32Array(this.root.words);
    this.next = new Uint32Array(this.root.words);
  }

  /** Whether the group took part in a match within `bytes[start … end)`; if so, `this.start` and `this.end` say where. */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.levels === null) return false;
    this.bytes = bytes;
    this.from = start;
    this.to = end;
    if (!this.findMatch()) return false;
    for (const level of this.levels) if (!this.descend(level)) return false;
    return true;
  }

  /** The leftmost beginning, the longest from there. */
  private findMatch(): boolean {
    const { root, set } = this;
    const { words } = root;
    const reach = this.backwards(root, this.from, this.to, true);
    let begin = this.from;
    set.set(root.first);
    passAnchors(root, set, root.starts, this.next);
    while (begin <= this.to && !meets(set, reach, (begin - this.from) * words, words)) {
      begin++;
      for (let word = 0; word < words; word++) set[word] = root.first[word]! & ~root.starts[word]!;
    }
    if (begin > this.to) return false;
    this.start = begin;
    for (let at = begin; ; at++) {
      this.pass(root, at);
      if (meets(set, root.finals, 0, words)) this.end = at;
      if (at === this.to || isEmpty(set, words)) return true;
      this.step(root, at);
    }
  }

  /** From the span of a piece to that of the part that holds the group. */
  private descend(level: Level): boolean {
    const { whole } = level;
    const { start, end } = this;
    const reach = this.backwards(whole, start, end, false);
    switch (level.kind) {
      case 'sequence': {
        let begin = start;
        let behind = start;
        for (const part of level.parts) {
          begin = behind;
          behind = this.longest(whole, part, begin, reach);
          if (behind < 0) return false;
        }
        return this.found(begin, behind);
      }
      case 'copies': {
        let begin = -1;
        let behind = start;
        for (let copy = 0; copy < level.parts.length; copy++) {
          if (behind === end && copy >= Math.max(level.min, 1)) break;
          const to = this.longest(whole, level.parts[copy]!, behind, reach);
          if (to < 0) break;
          begin = behind;
          behind = to;
        }
        return begin >= 0 && this.found(begin, behind);
      }
      case 'loop': {
        let begin = -1;
        let behind = start;
        while (begin < 0 || behind < end) {
          const to = this.longest(level.round, level.part, behind, reach);
          if (to < 0 || (to === behind && behind < end)) return false;
          begin = behind;
          behind = to;
        }
        return this.found(begin, behind);
      }
      case 'choice':
        break;
    }
    for (const each of level.before) if (meets(each, reach, 0, whole.words)) return false;
    return meets(level.own, reach, 0, whole.words);
  }

  private found(start: number, end: number): boolean {
    this.start = start;
    this.end = end;
    return true;
  }

  /** How far a part can go from `begin` so that what comes behind it still reaches the end of the piece; −1: nowhere. */
  private longest(automaton: Automaton, part: Part, begin: number, reach: Uint32Array): number {
    const { words } = automaton;
    const { set, start, end } = this;
    let best = part.nullable && meets(part.rest, reach, (begin - start) * words, words) ? begin : -1;
    for (let word = 0; word < words; word++) set[word] = part.first[word]!;
    for (let at = begin; ; at++) {
      const offset = (at - start) * words;
      // An anchor that holds lets pass without a byte; it may be the part's last position itself.
      if ((at === this.from || at === this.to) && this.passWithin(automaton, part, at)) {
        if (meets(part.rest, reach, offset, words)) best = at;
      }
      if (at === end) return best;
      for (let word = 0; word < words; word++) set[word]! &= reach[offset + word]!;
      const byteClass = automaton.classOf[this.bytes[at]!]! * words;
      if (!meets(set, automaton.takes, byteClass, words)) return best;
      let ends = 0;
      for (let word = 0; word < words; word++) {
        ends |= set[word]! & automaton.takes[byteClass + word]! & part.last[word]!;
      }
      this.step(automaton, at);
      for (let word = 0; word < words; word++) set[word]! &= part.inside[word]!;
      if (ends !== 0 && meets(part.rest, reach, offset + words, words)) best = at + 1;
    }
  }

  /** Passes the anchors that hold at `at`, within the part. Says whether one of them may be the part's end. */
  private passWithin(automaton: Automaton, part: Part, at: number): boolean {
    const { set } = this;
    const { words, starts, ends } = automaton;
    this.pass(automaton, at);
    let last = 0;
    for (let word = 0; word < words; word++) {
      set[word]! &= part.inside[word]!;
      if (at === this.from) last |= set[word]! & starts[word]! & part.last[word]!;
      if (at === this.to) last |= set[word]! & ends[word]! & part.last[word]!;
    }
    return last !== 0;
  }

  /** Passes the anchors that hold at `at`: where both do, in whatever order they stand, and however often. */
  private pass(automaton: Automaton, at: number): void {
    const { set, next, from, to } = this;
    for (let changed = true; changed;) {
      if (at === from) passAnchors(automaton, set, automaton.starts, next);
      changed = at === to && passAnchors(automaton, set, automaton.ends, next) && at === from;
    }
  }

  private step(automaton: Automaton, at: number): void {
    const { set, next } = this;
    const { words, takes, classOf } = automaton;
    follow(automaton, set, 0, takes, classOf[this.bytes[at]!]! * words, next);
    for (let word = 0; word < words; word++) set[word] = next[word]!;
  }

  /**
   * For each place of `start … end`, the positions from which the final one can be reached at `end` (at any place with
   * `anywhere`).
   */
  private backwards(automaton: Automaton, start: number, end: number, anywhere: boolean): Uint32Array {
    const { words, takes, classOf, finals } = automaton;
    const reach = scratchOf((end - start + 1) * words);
    for (let at = end; at >= start; at--) {
      const offset = (at - start) * words;
      if (at === end) reach.fill(0, offset, offset + words);
      else {
        precede(automaton, reach, offset + words, takes, classOf[this.bytes[at]!]! * words, reach, offset);
      }
      if (anywhere || at === end) for (let word = 0; word < words; word++) reach[offset + word]! |= finals[word]!;
      if (at === this.from || at === this.to) this.passBackwards(automaton, reach, offset, at);
    }
    return reach;
  }

  private passBackwards(automaton: Automaton, reach: Uint32Array, offset: number, at: number): void {
    const { words, starts, ends } = automaton;
    const { next } = this;
    for (let changed = true; changed;) {
      changed = false;
      for (const anchors of [starts, ends]) {
        if (at !== (anchors === starts ? this.from : this.to)) continue;
        precede(automaton, reach, offset, anchors, 0, next, 0);
        for (let word = 0; word < words; word++) {
          if ((next[word]! & ~reach[offset + word]!) === 0) continue;
          reach[offset + word]! |= next[word]!;
          changed = true;
        }
      }
    }
  }
}

/** One area for all searches: they never interleave. */
let scratch = new Uint32Array(4096);

function scratchOf(size: number): Uint32Array {
  if (scratch.length < size) scratch = new Uint32Array(size * 2);
  return scratch;
}

function meets(set: Uint32Array, other: Uint32Array, offset: number, words: number): boolean {
  for (let word = 0; word < words; word++) if ((set[word]! & other[offset + word]!) !== 0) return true;
  return false;
}

function isEmpty(set: Uint32Array, words: number): boolean {
  for (let word = 0; word < words; word++) if (set[word] !== 0) return false;
  return true;
}
