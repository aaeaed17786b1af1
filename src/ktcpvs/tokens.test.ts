import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { quote, tokenize } from './tokens.ts';

const texts = (text: string) => tokenize(text).tokens.map((token) => token.text);

test('words are separated by white space, comments go to the end of the line', () => {
  assert.deepEqual(texts('a  b\t{ # c } d\r\n}#e\n f'), ['a', 'b', '{', '}', 'f']);
});

test('a quote may be in a string, a backslash is otherwise itself', () => {
  assert.deepEqual(texts(String.raw`"/a b#c" "say \"x\"" "\.html$" "\\" "\\\\\"" ""`), [
    '/a b#c',
    'say "x"',
    String.raw`\.html$`,
    '\\',
    String.raw`\\"`,
    '',
  ]);
});

test('tokens know their line and column', () => {
  const { tokens, end } = tokenize('\uFEFFVirtual w {\n   "x y" }\n');
  assert.deepEqual(
    tokens.map(({ line, column }) => [line, column]),
    [
      [1, 1],
      [1, 9],
      [1, 11],
      [2, 4],
      [2, 10],
    ],
  );
  assert.deepEqual(end, { line: 3, column: 1 });
});

for (const [text, line, column, read] of [
  ['a\n  "open', 2, 3, 'a quote that is not closed'],
  ['a "open\nnext" b', 1, 3, 'a quote that is not closed'],
  ['ab"c"', 1, 3, 'a quote in the middle of a word'],
  ['"a"b', 1, 4, '"b"'],
  ['x a\u0000b', 1, 4, 'the control character 0x00'],
  [`x ${'y'.repeat(5000)}`, 1, 3, 'a word of 5000 characters'],
] as const) {
  test(`refused: ${JSON.stringify(text.slice(0, 20))}`, () => {
    const { fault } = tokenize(text);
    assert.deepEqual([fault?.line, fault?.column, fault?.read], [line, column, read]);
  });
}

test('every text without control characters is read back from its quotes', () => {
  const char = fc.constantFrom('\\', '"', '\\"', 'a', ' ', '#', '{', '=', 'ä', '.');
  const any = fc.oneof(
    fc.array(char, { maxLength: 20 }).map((chars) => chars.join('')),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(any, (text) => {
      fc.pre(!/\p{Cc}/u.test(text));
      assert.deepEqual(texts(`${quote(text)} end`), [text, 'end']);
    }),
    { numRuns: 2000 },
  );
});

test('no input makes it throw or loop', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void tokenize(text)),
    { numRuns: 2000 },
  );
});
