import assert from 'node:assert/strict';
import { it } from 'node:test';

import { randomOf } from '../../test/fuzz/pattern-naive.ts';
import { PatternSet } from './pattern-set.ts';
import { compilePattern, type Pattern, PatternError } from './pattern.ts';
import { worstCost } from './worst-cost.ts';

/** Patterns that take other engines exponential or quadratic time, memory, or both. */
const EVIL = [
  '(a{1,50})+$',
  '(a+)+$',
  '(a|aa)+$',
  '(a|a?)+$',
  '(.*a){20}c$',
  '(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^ab]',
  '(x+x+)+y',
  '((a*)*)*c$',
  'a.{500}c$',
  '[ab]*a[ab]{400}c',
  '(a?){500}c$',
  'x(a?){300}a{300}',
  '([ab]{1,20}){20}c',
  '(b?[ab]){150}c$',
  '((a|b)*a){8}(a|b){60}c$',
  '(a.{100}b|b.{100}a|aa.{99}b){1,3}c$',
  '(a|[ab].|[ab]..|[ab]...)(a|[ab].){60}c$',
  `${'(a?'.repeat(90)}${')'.repeat(90)}c$`,
  `${'a'.repeat(1000)}c`,
  Array.from({ length: 100 }, (_, index) => `a.{${index % 9}}c`).join('|'),
  '((((a{1,9}){1,9}){1,9}){1,9}){1,9}',
];

function compileOrNull(source: string): Pattern | null {
  try {
    return compilePattern(source, 'ere');
  } catch (error) {
    assert.ok(error instanceof PatternError);
    assert.match(error.message, /read a pattern of (cost \d+|\d+ bytes)/);
    return null;
  }
}

it('takes 16 KB in bounded steps, or refuses the pattern', () => {
  const random = randomOf(1);
  const subjects = [
    new Uint8Array(16_384).fill(97),
    Uint8Array.from({ length: 16_384 }, () => (random() < 0.5 ? 97 : 98)),
    Uint8Array.from({ length: 16_384 }, () => 97 + Math.floor(random() * 26)),
  ];
  const compiled = EVIL.map(compileOrNull);
  assert.ok(compiled.filter((pattern) => pattern === null).length <= 4);
  for (const pattern of compiled) {
    if (pattern === null) continue;
    // What one step may cost at worst is a property of the automaton, not of the input.
    assert.ok((pattern.automaton?.cost ?? 0) <= 700, pattern.source);
    for (const subject of subjects) pattern.test(subject, 0, subject.length);
  }
});

it('finds a group in bounded steps, or refuses to', () => {
  const subject = new Uint8Array(16_384).fill(97);
  let searched = 0;
  for (const pattern of EVIL.map(compileOrNull)) {
    if (pattern === null || pattern.groups === 0) continue;
    try {
      pattern.finderOf(1).find(subject, 0, subject.length);
      searched++;
    } catch (error) {
      assert.ok(error instanceof PatternError);
      assert.match(error.message, /a search for group 1 of cost \d+/);
    }
  }
  assert.ok(searched >= 6, `${searched}`);
});

function worst(source: string, alone = false): number {
  return worstCost(compilePattern(source, 'ere'), alone);
}

it('tells patterns of few states from those that cost a step of bit sets for each byte', () => {
  assert.equal(worst('/app00012/.*'), 0);
  assert.equal(worst('/app00012/.*', true), 1);
  assert.equal(worst('^/literal', true), 0);
  assert.ok(worst('^/api/v[0-9]+/users/[^/]+/item00012$') <= 2);
  assert.ok(worst('/shop00012/(cart|order)s?/[0-9]+') <= 2);
  assert.ok(worst('/files00012/.*\\.(png|jpe?g)$') <= 2);
  const evil = compilePattern('[ab]*a[ab]{40}c', 'ere');
  assert.equal(worstCost(evil, false), evil.cost);
});

it('asks the patterns of a group one by one where together they have too many states, with the same result', () => {
  const random = randomOf(7);
  // Few states each; together one for every subset of the distances.
  const sources = Array.from({ length: 14 }, (_, index) => `a[ab]{${(index % 7) + 1}}c{${index + 1}}d`);
  const set = new PatternSet(
    sources.map((source, index) => ({ index, match: compilePattern(source, 'ere'), decisive: true })),
  );
  const alone = sources.map((source) => compilePattern(source, 'ere'));
  for (let round = 0; round < 40; round++) {
    const length = round === 0 ? 16_384 : Math.floor(random() * 400);
    const subject = Uint8Array.from({ length }, () => 97 + Math.floor(random() ** 2 * 4));
    const expected = alone.findIndex((pattern) => pattern.test(subject, 0, subject.length));
    assert.equal(set.first(subject, 0, subject.length), expected, `round ${round}`);
  }
});
