/** Judges patterns by the engine that will run them. */
import { compilePattern } from '../pattern/pattern.ts';
import type { CheckPattern } from './judge.ts';

export const checkPattern: CheckPattern = (type, value, hashGroup) => {
  try {
    const pattern = compilePattern(value, type === 'Regex' ? 'regex' : 'ere');
    // A group that is not there, or whose search would be too expensive, must be found here, not while serving.
    if (hashGroup > 0) pattern.finderOf(hashGroup);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};
