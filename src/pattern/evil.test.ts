import assert from 'node:assert/strict';
import { it } from 'node:test';

import { randomOf } from '../../test/fuzz/pattern-naive.ts';
import { compilePattern, type Pattern, PatternError } from './pattern.ts';

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
