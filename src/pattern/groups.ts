import { type Automaton, buildAutomaton } from './automaton.ts';
import type { StateBudget } from './budget.ts';
import type { Candidates } from './candidates.ts';
import { GAVE_UP, LazyDfa } from './lazy-dfa.ts';
import type { Pattern } from './pattern.ts';
import { MAX_POSITIONS } from './positions.ts';

/** A pattern that is no literal, with literals that stand in whatever it matches. */
export interface FreeEntry {
  readonly index: number;
  readonly pattern: Pattern;
  readonly decisive: boolean;
  readonly required: readonly Uint8Array[];
}

/** Free patterns that run as one automaton. */
export interface Group {
  /** Of the rules, ascending; the automaton numbers its patterns from 0 in this order. */
  readonly indices: Int32Array;
  readonly decisive: readonly boolean[];
  readonly lowest: number;
  /** Whether it is run for each path, because some pattern of it needs no literal. */
  readonly always: boolean;
  readonly dfa: LazyDfa;
  readonly patterns: readonly Pattern[];
  /** Together they have too many states, though each by itself may have few: from now on each is asked by itself. */
  dissolved: boolean;
  /** Whether it has been run in the current search. */
  done: boolean;
}

/** A shorter literal, such as `/`, says too little about a path. */
const SHORTEST_LITERAL = 2;
/** Up to so many patterns behind one literal are asked one by one; more run as one automaton. */
const FEW = 2;
/** Units of cost per byte of one common automaton. */
const GROUP_COST = 700;

/** Decides for each free pattern which literal leads to it, if any, and whether it runs with others. */
export function divide(
  free: readonly FreeEntry[],
  budget: StateBudget,
): { groups: Group[]; gates: { index: number; literal: Uint8Array | null }[] } {
  const shared = new Map<string, number>();
  for (const { required } of free) {
    for (const key of new Set(required.map(String))) shared.set(key, (shared.get(key) ?? 0) + 1);
  }
  const gates: { index: number; literal: Uint8Array | null }[] = [];
  const gated: FreeEntry[] = [];
  const always: FreeEntry[] = [];
  for (const entry of free.toSorted((a, b) => a.index - b.index)) {
    const literal = rarest(entry.required, shared);
    gates.push({ index: entry.index, literal });
    if (literal === null) always.push(entry);
    else if (shared.get(String(literal))! > FEW) gated.push(entry);
  }
  return { groups: [...pack(gated, false, budget), ...pack(always, true, budget)], gates };
}

/**
 * Runs a group: the lowest decisive index that matches, if below `best`, else `best`; the others go to `candidates`.
 */
export function runGroup(
  group: Group,
  bytes: Uint8Array,
  start: number,
  end: number,
  best: number,
  candidates: Candidates,
): number {
  if (group.dissolved) return askEach(group, bytes, start, end, best, candidates);
  const { dfa, indices, decisive } = group;
  const lowest = dfa.run(bytes, start, end);
  if (lowest === GAVE_UP) {
    group.dissolved = true;
    dfa.drop();
    return askEach(group, bytes, start, end, best, candidates);
  }
  if (lowest < 0 || indices[lowest]! >= best) return best;
  if (decisive[lowest]!) return indices[lowest]!;
  const count = dfa.matched(matched);
  for (let at = 0; at < count; at++) {
    const each = matched[at]!;
    const index = indices[each]!;
    if (index >= best) break;
    if (decisive[each]!) return index;
    candidates.add(index);
  }
  return best;
}

function askEach(
  { indices, decisive, patterns }: Group,
  bytes: Uint8Array,
  start: number,
  end: number,
  best: number,
  candidates: Candidates,
): number {
  for (let each = 0; each < indices.length; each++) {
    const index = indices[each]!;
    if (index >= best) break;
    if (!patterns[each]!.test(bytes, start, end)) continue;
    if (decisive[each]!) return index;
    candidates.add(index);
  }
  return best;
}

const matched = new Int32Array(MAX_POSITIONS);

function rarest(required: readonly Uint8Array[], shared: ReadonlyMap<string, number>): Uint8Array | null {
  let best: Uint8Array | null = null;
  for (const literal of required) {
    if (literal.length < SHORTEST_LITERAL) continue;
    const fewer = best === null ? 1 : shared.get(String(best))! - shared.get(String(literal))!;
    if (fewer > 0 || (fewer === 0 && literal.length > best!.length)) best = literal;
  }
  return best;
}

function pack(entries: readonly FreeEntry[], always: boolean, budget: StateBudget): Group[] {
  const groups: Group[] = [];
  let members: FreeEntry[] = [];
  let positions = 0;
  let cost = 0;
  const close = (): void => {
    if (members.length > 0) groups.push(groupOf(members, always, budget));
    members = [];
    positions = 0;
    cost = 0;
  };
  for (const entry of entries) {
    const { final, cost: own, words } = automatonOf(entry);
    // Its positions, the final one included, and what its exceptions cost.
    const [more, extra] = [final[0]! + 1, own - 4 * words];
    if (positions + more > MAX_POSITIONS || cost + extra + (positions + more) / 8 > GROUP_COST) close();
    members.push(entry);
    positions += more;
    cost += extra;
  }
  close();
  return groups;
}

function groupOf(members: readonly FreeEntry[], always: boolean, budget: StateBudget): Group {
  const decisive = members.map((each) => each.decisive);
  const automaton = buildAutomaton(members.map((each) => each.pattern.node));
  const indices = Int32Array.from(members, (each) => each.index);
  return {
    indices,
    decisive,
    lowest: indices[0]!,
    always,
    dfa: new LazyDfa(automaton, budget, decisive, true),
    patterns: members.map((each) => each.pattern),
    dissolved: false,
    done: false,
  };
}

function automatonOf({ pattern }: FreeEntry): Automaton {
  if (pattern.automaton === null) throw new TypeError('a free pattern has an automaton');
  return pattern.automaton;
}
