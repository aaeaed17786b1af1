import assert from 'node:assert/strict';

import { PatternSet } from '../../src/pattern/pattern-set.ts';
import { compilePattern, type Pattern, PatternError } from '../../src/pattern/pattern.ts';
import { naiveGroup, naiveTest, randomInput, randomOf, randomSample } from './pattern-naive.ts';

export interface FuzzResult {
  readonly iterations: number;
  /** Sources that were refused, all of them with a PatternError. */
  readonly refused: number;
  /** Longest compilation and longest match, in milliseconds. */
  readonly slowestCompile: number;
  readonly slowestMatch: number;
}

const EVIL = [
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '*',
  '+',
  '?',
  '|',
  '^',
  '$',
  '.',
  '\\',
  '-',
  ':',
  '=',
  'a',
  'b',
  '0',
  '9',
  ',',
];
const EVIL_PIECES = [
  '{1,50}',
  '(a|b)*',
  '(a?b?)',
  '.*',
  '[[:alpha:]]',
  '(?i)',
  '(?:',
  '\\d',
  '[^/]+',
  '{3,}',
  'é',
  '\u0000',
];

/**
 * Random patterns against random inputs: verdict and groups must be those of the naive matcher, arbitrary text must
 * compile or give a PatternError, nothing may take long.
 * @throws AssertionError with seed, pattern and input of the first difference
 */
export function fuzzPatterns(iterations: number, seed: number): FuzzResult {
  const random = randomOf(seed);
  let refused = 0;
  let slowestCompile = 0;
  let slowestMatch = 0;
  let batch: Pattern[] = [];
  for (let round = 0; round < iterations; round++) {
    if (round % 4 === 0) {
      const began = performance.now();
      const pattern = compileOrNull(randomText(random), random() < 0.5 ? 'ere' : 'regex');
      slowestCompile = Math.max(slowestCompile, performance.now() - began);
      if (pattern === null) {
        refused++;
        continue;
      }
      const input = randomInput(random, 300);
      const from = performance.now();
      pattern.test(input, 0, input.length);
      slowestMatch = Math.max(slowestMatch, performance.now() - from);
      continue;
    }
    batch.push(compareOne(random, `seed ${seed}, round ${round}`));
    if (batch.length === 20) {
      compareSet(random, batch, `seed ${seed}, round ${round}`);
      batch = [];
    }
  }
  return { iterations, refused, slowestCompile, slowestMatch };
}

function compareOne(random: () => number, where: string): Pattern {
  const sample = randomSample(random);
  const pattern = compilePattern(sample.source, 'ere');
  for (let each = 0; each < 4; each++) {
    const input = randomInput(random);
    const what = `${where}: ${sample.source} on ${JSON.stringify(String.fromCharCode(...input))}`;
    assert.equal(pattern.test(input, 0, input.length), naiveTest(sample.expr, input), what);
    if (sample.groups === 0) continue;
    const group = 1 + Math.floor(random() * sample.groups);
    const span = pattern.group(group, input, 0, input.length);
    assert.deepEqual(span && [span.start, span.end], naiveGroup(sample.expr, group, input), `${what}, group ${group}`);
  }
  return pattern;
}

/** The set's verdict is that of its patterns one after the other. */
function compareSet(random: () => number, patterns: readonly Pattern[], where: string): void {
  const sources = patterns.map((pattern) => pattern.source);
  const set = new PatternSet(
    sources.map((source, index) => ({ index, match: compilePattern(source, 'ere'), decisive: true })),
  );
  for (let each = 0; each < 4; each++) {
    const input = randomInput(random);
    const expected = patterns.findIndex((pattern) => pattern.test(input, 0, input.length));
    const what = `${where}: ${sources.join('   ')} on ${JSON.stringify(String.fromCharCode(...input))}`;
    assert.equal(set.first(input, 0, input.length), expected, what);
  }
}

function compileOrNull(source: string, syntax: 'ere' | 'regex'): Pattern | null {
  try {
    return compilePattern(source, syntax);
  } catch (error) {
    if (error instanceof PatternError) return null;
    throw error;
  }
}

function randomText(random: () => number): string {
  let text = '';
  const length = Math.floor(random() * 24);
  for (let each = 0; each < length; each++) {
    const from = random() < 0.7 ? EVIL : EVIL_PIECES;
    text += from[Math.floor(random() * from.length)]!;
  }
  return text;
}
