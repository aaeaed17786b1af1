import { type Automaton, buildAutomaton } from './automaton.ts';
import { StateBudget } from './budget.ts';
import { ERE, REGEX } from './dialects.ts';
import { GroupFinder } from './group-finder.ts';
import { LazyDfa } from './lazy-dfa.ts';
import { Parser } from './parser.ts';
import { normalise, type Shape, shapeOf, trim } from './shape.ts';
import { type Finder, SimpleGroup, simpleParts } from './simple-group.ts';
import { cat, type Node, PatternError } from './syntax.ts';

export { PatternError } from './syntax.ts';

/** `ere`: POSIX extended regular expression, searched; `regex`: RE2's syntax, the whole subject. */
export type PatternSyntax = 'ere' | 'regex';

/** A part of the subject: `bytes[start … end)`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** In bytes of UTF-8; an author outside the installation may write patterns. */
export const MAX_SOURCE = 1024;
/** Units of cost (about nanoseconds) per byte of input. */
const MAX_COST = 700;
/** For the states of one pattern that is used by itself. */
const OWN_BUDGET = 256 * 1024;

/**
 * @throws PatternError with the place, what was read and what was expected: for what the syntax does not know, for
 *   back-references and look-around, and for patterns that are too large
 */
export function compilePattern(source: string, syntax: PatternSyntax): Pattern {
  return new Pattern(source, syntax);
}

/** A compiled pattern. Belongs to one thread, and to at most one `PatternSet`. */
export class Pattern {
  readonly source: string;
  readonly syntax: PatternSyntax;
  /** Number of groups. */
  readonly groups: number;
  readonly shape: Shape;
  /** What the engine runs: normalised and trimmed. */
  readonly node: Node;
  /** Null where the shape alone decides. */
  readonly automaton: Automaton | null;
  private budget: StateBudget | null = null;
  private dfa: LazyDfa | null = null;
  private readonly finders = new Map<number, Finder>();

  constructor(source: string, syntax: PatternSyntax) {
    this.source = source;
    this.syntax = syntax;
    const { node, groups } = parse(source, syntax);
    this.groups = groups;
    this.node = trim(normalise(node));
    this.shape = shapeOf(this.node);
    this.automaton = this.shape.kind === 'free' ? buildAutomaton([this.node]) : null;
    if (this.automaton !== null && this.automaton.cost > MAX_COST) {
      throw new PatternError(0, `a pattern of cost ${this.automaton.cost}`, `at most ${MAX_COST}: a simpler one`);
    }
  }

  /** What a byte of input may cost at worst, in units of roughly a nanosecond; 0 where a literal decides. */
  get cost(): number {
    return this.automaton?.cost ?? 0;
  }

  /** Whether `bytes[start … end)` matches. Allocates nothing once the states in use are built. */
  test(bytes: Uint8Array, start: number, end: number): boolean {
    switch (this.shape.kind) {
      case 'any':
        return true;
      case 'equals':
        return end - start === this.shape.literal.length && hasAt(bytes, start, this.shape.literal);
      case 'starts':
        return end - start >= this.shape.literal.length && hasAt(bytes, start, this.shape.literal);
      case 'contains':
      case 'free':
        break;
    }
    this.dfa ??= this.buildDfa();
    return this.dfa.run(bytes, start, end) === 0;
  }

  /** Where group `index` (from 1) took part in the match, by POSIX's rule (see `GroupFinder`); null if it did not. */
  group(index: number, bytes: Uint8Array, start: number, end: number): Span | null {
    const finder = this.finderOf(index);
    return finder.find(bytes, start, end) ? { start: finder.start, end: finder.end } : null;
  }

  /**
   * The finder of a group, made once: whoever asks for a group per request takes it beforehand.
   * @throws PatternError if there is no such group, or if the search for it would be too expensive
   */
  finderOf(index: number): Finder {
    let finder = this.finders.get(index);
    if (finder === undefined) {
      if (!Number.isInteger(index) || index < 1 || index > this.groups) {
        throw new PatternError(0, `a pattern with ${this.groups} groups`, `one that has group ${index}`);
      }
      const { node } = parse(this.source, this.syntax);
      const simple = simpleParts(node, index);
      finder = simple === null ? new GroupFinder(node, index) : new SimpleGroup(simple);
      this.finders.set(index, finder);
    }
    return finder;
  }

  /** Counts the states of this pattern in a common budget. */
  shareBudget(budget: StateBudget): void {
    this.budget = budget;
    this.dfa?.drop();
    this.dfa = null;
  }

  private buildDfa(): LazyDfa {
    const automaton = this.automaton ?? buildAutomaton([this.node]);
    return new LazyDfa(automaton, this.budget ?? new StateBudget(OWN_BUDGET), [true]);
  }
}

function parse(source: string, syntax: PatternSyntax): { node: Node; groups: number } {
  const size = new TextEncoder().encode(source).length;
  if (size > MAX_SOURCE) throw new PatternError(0, `${size} bytes`, `at most ${MAX_SOURCE}`);
  const parser = new Parser(source, syntax === 'ere' ? ERE : REGEX);
  const node = parser.parse();
  const whole = syntax === 'ere' ? node : cat([{ kind: 'start' }, node, { kind: 'end' }]);
  return { node: whole, groups: parser.groups };
}

function hasAt(bytes: Uint8Array, at: number, literal: Uint8Array): boolean {
  for (let index = 0; index < literal.length; index++) if (bytes[at + index] !== literal[index]) return false;
  return true;
}
