/** Judges patterns by the engine that will run them. */
import { compilePattern } from '../pattern/pattern.ts';
import { worstCost } from '../pattern/worst-cost.ts';
import type { CheckPattern, PatternUse } from './judge.ts';

/** Verdicts that are kept: an object that changes has mostly the patterns that it had. */
const MOST_KEPT = 4096;
const kept = new Map<string, string | number>();

export const checkPattern: CheckPattern = (type, value, use, hashGroup) => {
  const key = `${type} ${use} ${hashGroup} ${value}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  if (kept.size >= MOST_KEPT) kept.clear();
  const verdict = judge(type, value, use, hashGroup);
  kept.set(key, verdict);
  return verdict;
};

const judge = (type: 'Regex' | 'Pattern', value: string, use: PatternUse, hashGroup: number): string | number => {
  try {
    const pattern = compilePattern(value, type === 'Regex' ? 'regex' : 'ere');
    // A group that is not there, or whose search would be too expensive, must be found here, not while serving.
    if (hashGroup > 0) pattern.finderOf(hashGroup);
    return worstCost(pattern, use === 'value');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};
