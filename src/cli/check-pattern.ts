import { compilePattern } from '../pattern/pattern.ts';

/** Why a pattern does not compile, or null where it does; what translate is given to judge patterns. */
export function checkPattern(type: 'Regex' | 'Pattern', value: string): string | null {
  try {
    compilePattern(value, type === 'Regex' ? 'regex' : 'ere');
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
