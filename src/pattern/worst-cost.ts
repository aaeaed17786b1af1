import { type Automaton, buildAutomaton } from './automaton.ts';
import { StateBudget } from './budget.ts';
import { LazyDfa, PATIENCE } from './lazy-dfa.ts';
import type { Pattern } from './pattern.ts';

/** What the cost of a set of patterns is weighed for: a path that is as long as a request's head may be by default. */
export const LONG_INPUT = 16_384;

/**
 * What asking for the pattern in `LONG_INPUT` bytes costs at worst, in units of 5 ns a byte, rounded up: what `Pattern.cost`
 * says of each byte, unless the pattern has few states. Those are all built, and then a byte is a load. 0: a literal that a set
 * finds together with all others. `alone`: it is looked for by itself, as in a header.
 */
export function worstCost(pattern: Pattern, alone: boolean): number {
  const { shape } = pattern;
  if (shape.kind !== 'free' && (shape.kind !== 'contains' || !alone)) return 0;
  const automaton = pattern.automaton ?? buildAutomaton([pattern.node]);
  const steps = new LazyDfa(automaton, new StateBudget(Infinity), [true]).buildAll(PATIENCE);
  return steps < 0 ? automaton.cost : Math.min(automaton.cost, fewStates(automaton, steps));
}

/** A byte over known states takes about 1 ns, a step that is built as long as one of bit sets. */
function fewStates({ cost }: Automaton, steps: number): number {
  return Math.ceil(0.25 + (steps * cost) / LONG_INPUT);
}
