/** Whether a pattern can be served, judged by the engine that will serve it. */
import { PatternError, compilePattern } from '../pattern/pattern.ts';

/** The same patterns are asked for again and again while a table is loaded or listed; to compile one takes 50 µs. */
const MOST_KNOWN = 10_000;
const known = new Map<string, number | PatternError>();

/** Number of groups. */
function groupsOf(pattern: string): number | PatternError {
  const before = known.get(pattern);
  if (before !== undefined) return before;
  let groups: number | PatternError;
  try {
    ({ groups } = compilePattern(pattern, 'ere'));
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    groups = error;
  }
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(pattern, groups);
  return groups;
}

/** What is wrong, in the words of a fault; null: nothing. `match` is the group to hash, 0 for none. */
export function judgePattern(pattern: string, match: number): { read: string; expected: string } | null {
  const groups = groupsOf(pattern);
  if (typeof groups !== 'number') {
    const { read, expected, position } = groups;
    return { read, expected: `${expected} (at character ${position + 1} of the pattern)` };
  }
  if (match <= groups) return null;
  const has = groups === 0 ? 'no group' : groups === 1 ? 'one group' : `${groups} groups`;
  return { read: `match ${match}`, expected: `match 0${groups > 0 ? ` to ${groups}` : ''}, as the pattern has ${has}` };
}
