import type { Automaton } from './automaton.ts';
import type { BudgetMember, StateBudget } from './budget.ts';
import { StateTable } from './state-table.ts';
import { follow, passAnchors } from './step.ts';

/** Cache overflows within one run after which the rest of the input is taken without cache. */
const MAX_FLUSHES = 2;
/** What `run` gives where its patterns are to be asked one by one instead. */
export const GAVE_UP = -2;
/**
 * Steps that are built for one input at the most: a step costs several times what it costs without cache, and an input that
 * needs more of them meets hardly any state twice. Ordinary paths are shorter, and ordinary patterns have fewer.
 */
export const PATIENCE = 1024;

/**
 * Runs an automaton by states that are built when they are first needed and kept while the budget allows. A step over
 * a byte is one load where the state is known, and one step of bit sets where it is not, so that the time is bounded by
 * length x cost of the automaton whatever pattern and input.
 *
 * Pattern k is `decisive` if nothing but lower numbers is of interest once it has matched.
 */
export class LazyDfa implements BudgetMember {
  private readonly automaton: Automaton;
  private readonly budget: StateBudget;
  private readonly decisive: readonly boolean[];
  private readonly states: StateTable;
  /** What begins a match behind the beginning. */
  private readonly inject: Uint32Array;
  private readonly current: Uint32Array;
  private readonly scratch: Uint32Array;
  /** Patterns that had matched when the last run ended, by their final positions. */
  private readonly reached: Uint32Array;
  private readonly emptyOutcome: number;
  /** Whether a run that loses its patience gives up; else it goes on without cache. */
  private readonly givesUp: boolean;
  private flushes = 0;
  private built = 0;
  private simulating = false;

  constructor(automaton: Automaton, budget: StateBudget, decisive: readonly boolean[], givesUp = false) {
    this.automaton = automaton;
    this.givesUp = givesUp;
    this.budget = budget;
    this.decisive = decisive;
    this.states = new StateTable(automaton.words, automaton.classes);
    this.inject = automaton.first.map((word, at) => word & ~automaton.starts[at]!);
    this.current = new Uint32Array(automaton.words);
    this.scratch = new Uint32Array(automaton.words);
    this.reached = new Uint32Array(automaton.words);
    this.begin();
    this.reached.set(this.current);
    while (this.passBoth());
    this.emptyOutcome = this.lowest(this.reached);
  }

  /** The lowest pattern that matches somewhere in `bytes[start … end)`, or −1; `GAVE_UP` where that was allowed. */
  run(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) {
      this.begin();
      this.reached.set(this.current);
      while (this.passBoth());
      return this.emptyOutcome;
    }
    const classOf = this.automaton.classOf;
    this.flushes = 0;
    this.built = 0;
    this.simulating = false;
    let state = this.states.start;
    if (state === 0) {
      this.begin();
      state = this.intern();
      if (!this.simulating) this.states.start = state;
    }
    let next = this.states.next;
    let at = start;
    while (state > 0 && at < end) {
      const to = next[state + classOf[bytes[at]!]!]!;
      if (to === 0) {
        if (++this.built > PATIENCE) {
          if (this.givesUp) return GAVE_UP;
          this.takeSet(state);
          return this.simulate(bytes, at, end);
        }
        state = this.expand(state, classOf[bytes[at]!]!);
        if (this.simulating) return this.simulate(bytes, at + 1, end);
        next = this.states.next;
      } else {
        state = to;
      }
      at++;
    }
    return this.finish(Math.abs(state));
  }

  /**
   * After a `run` that gave a pattern that is not decisive: all that match, ascending, into `out`, up to the first
   * decisive one; gives their count.
   */
  matched(out: Int32Array): number {
    const { final } = this.automaton;
    let count = 0;
    for (let each = 0; each < final.length; each++) {
      if (((this.reached[final[each]! >> 5]! >>> (final[each]! & 31)) & 1) === 1) out[count++] = each;
    }
    return count;
  }

  /**
   * Builds all states that any input can lead to. Gives the number of steps from state to state, or −1 if there are more
   * than `most`; the budget must not be the limit.
   */
  buildAll(most: number): number {
    this.begin();
    const known = new Set([this.intern()]);
    let steps = 0;
    for (const state of known) {
      if (state < 0) continue;
      for (let byteClass = 0; byteClass < this.automaton.classes; byteClass++) {
        if (++steps > most) return -1;
        known.add(this.expand(state, byteClass));
      }
    }
    return steps;
  }

  drop(): void {
    const bytes = this.states.bytes;
    this.states.drop();
    this.budget.release(this, bytes);
  }

  private begin(): void {
    this.current.set(this.automaton.first);
    passAnchors(this.automaton, this.current, this.automaton.starts, this.scratch);
    this.prune(this.current);
  }

  /** The state that the class leads to from a known one; kept. */
  private expand(state: number, byteClass: number): number {
    const { states, automaton } = this;
    const { words, takes } = automaton;
    const offset = states.setOf(state);
    follow(automaton, states.sets, offset, takes, byteClass * words, this.current);
    this.complete(states.sets, offset);
    const generation = states.generation;
    const to = this.intern();
    if (generation === states.generation) states.next[state + byteClass] = to;
    return to;
  }

  /** The number of the state `current`, entered if it is new. */
  private intern(): number {
    const { states, current } = this;
    const known = states.find(current);
    if (known !== 0) return known;
    if (states.full) this.grow();
    return states.add(current, this.isTerminal());
  }

  private grow(): void {
    const { states, budget } = this;
    const more = states.bytesToGrow();
    if (budget.reserve(this, more)) {
      states.grow();
      return;
    }
    this.simulating = ++this.flushes >= MAX_FLUSHES;
    if (states.bytes * 4 >= budget.limit) {
      states.clear();
      return;
    }
    budget.clear();
    budget.take(this, states.bytesToGrow());
    states.grow();
  }

  /** Behind `follow`: what begins here, and what has matched already. */
  private complete(before: Uint32Array, offset: number): void {
    const { words, finals, starts } = this.automaton;
    const { current, inject } = this;
    let final = 0;
    for (let word = 0; word < words; word++) {
      current[word] = (current[word]! | inject[word]! | (before[offset + word]! & finals[word]!)) & ~starts[word]!;
      final |= current[word]! & finals[word]!;
    }
    if (final !== 0) this.prune(current);
  }

  /** A pattern that has matched needs no positions any more, and behind a decisive one nothing is of interest. */
  private prune(set: Uint32Array): void {
    const { begin, final, words } = this.automaton;
    for (let each = 0; each < final.length; each++) {
      const bit = final[each]!;
      if (((set[bit >> 5]! >>> (bit & 31)) & 1) === 0) continue;
      clearRange(set, begin[each]!, bit);
      if (!this.decisive[each]!) continue;
      clearRange(set, bit + 1, words * 32);
      return;
    }
  }

  /** Whether no input can change what has matched. */
  private isTerminal(): boolean {
    const { words, finals } = this.automaton;
    const { current, scratch, inject } = this;
    for (let word = 0; word < words; word++) {
      if ((current[word]! & ~finals[word]!) !== 0) return false;
      scratch[word] = inject[word]! | current[word]!;
    }
    this.prune(scratch);
    for (let word = 0; word < words; word++) if ((scratch[word]! & ~finals[word]!) !== 0) return false;
    return true;
  }

  /** Makes what a known state stands for the `current` set. */
  private takeSet(state: number): void {
    const { states, current, automaton } = this;
    const offset = states.setOf(state);
    for (let word = 0; word < automaton.words; word++) current[word] = states.sets[offset + word]!;
  }

  /** The rest of the input without cache, from `current`. */
  private simulate(bytes: Uint8Array, start: number, end: number): number {
    const { automaton, current, reached } = this;
    const { words, classOf, takes } = automaton;
    for (let at = start; at < end; at++) {
      for (let word = 0; word < words; word++) reached[word] = current[word]!;
      follow(automaton, reached, 0, takes, classOf[bytes[at]!]! * words, current);
      this.complete(reached, 0);
    }
    reached.set(current);
    passAnchors(automaton, reached, automaton.ends, this.scratch);
    return this.lowest(reached);
  }

  private finish(state: number): number {
    const { states, reached, automaton } = this;
    const offset = states.setOf(state);
    for (let word = 0; word < automaton.words; word++) reached[word] = states.sets[offset + word]!;
    const known = states.outcomeOf(state);
    if (known !== undefined && (known < 0 || this.decisive[known]!)) return known;
    passAnchors(automaton, reached, automaton.ends, this.scratch);
    const outcome = known ?? this.lowest(reached);
    if (known === undefined) states.setOutcome(state, outcome);
    return outcome;
  }

  /** For the empty input, where both anchors hold. Says whether anything was added. */
  private passBoth(): boolean {
    const before = this.reached.join();
    passAnchors(this.automaton, this.reached, this.automaton.starts, this.scratch);
    passAnchors(this.automaton, this.reached, this.automaton.ends, this.scratch);
    return before !== this.reached.join();
  }

  private lowest(set: Uint32Array): number {
    const { final } = this.automaton;
    for (let each = 0; each < final.length; each++) {
      if (((set[final[each]! >> 5]! >>> (final[each]! & 31)) & 1) === 1) return each;
    }
    return -1;
  }
}

/** Clears the bits `begin … end`, the end not included. */
function clearRange(set: Uint32Array, begin: number, end: number): void {
  for (let word = begin >> 5; word << 5 < end; word++) {
    const low = word << 5 < begin ? -1 << (begin & 31) : -1;
    const high = (word + 1) << 5 > end ? (1 << (end & 31)) - 1 : -1;
    set[word]! &= ~(low & high);
  }
}
