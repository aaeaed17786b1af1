/** Whether a pattern can be served, judged by the engine that will serve it. */
import { PatternError, compilePattern } from '../pattern/pattern.ts';

/** What is wrong, in the words of a fault; null: nothing. `match` is the group to hash, 0 for none. */
export function judgePattern(pattern: string, match: number): { read: string; expected: string } | null {
  try {
    const { groups } = compilePattern(pattern, 'ere');
    if (match <= groups) return null;
    const has = groups === 0 ? 'no group' : groups === 1 ? 'one group' : `${groups} groups`;
    return {
      read: `match ${match}`,
      expected: `match 0${groups > 0 ? ` to ${groups}` : ''}, as the pattern has ${has}`,
    };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { read: error.read, expected: `${error.expected} (at character ${error.position + 1} of the pattern)` };
  }
}
