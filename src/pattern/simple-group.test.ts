import assert from 'node:assert/strict';
import { it } from 'node:test';

import { randomOf } from '../../test/fuzz/pattern-naive.ts';
import { ERE } from './dialects.ts';
import { GroupFinder } from './group-finder.ts';
import { Parser } from './parser.ts';
import { SimpleGroup, simpleParts } from './simple-group.ts';

const parse = (source: string) => new Parser(source, ERE).parse();

it('takes the usual forms, and leaves the others', () => {
  const simple = ['/users/([^/]+)/.*', '^/([a-z]*)', '/u/([^/]+)(/.*)?', '/t([0-9]{2,})$', '/a(.*)', '(/a)([b]+)', 'a(b+).*$']; // prettier-ignore
  for (const source of simple.slice(0, 5)) assert.ok(simpleParts(parse(source), 1), source);
  assert.ok(simpleParts(parse(simple[5]!), 2));
  // The run need not be the group: something behind it may begin with the same bytes.
  for (const source of ['/a([a-z]*)([a-z]x)?', '/a(b*)b', '(a*)', '/a(b{1,3})', '/a(b|c)', 'a*(b*)', '/a(b*)(b|c)*']) {
    assert.equal(simpleParts(parse(source), 1), null, source);
  }
});

it('finds what the general search finds', () => {
  const random = randomOf(11);
  const pick = (...choices: readonly string[]): string => choices[Math.floor(random() * choices.length)]!;
  let tried = 0;
  for (let round = 0; round < 3000; round++) {
    const source =
      pick('', '^') +
      pick('', 'a', 'ab', 'aa', '/a', '(a)') +
      `(${pick('a', 'b', '[ab]', '[^/]', '[^a]', '.')}${pick('*', '+', '{2,}')})` +
      pick('', 'a', 'b', '/', '/a') +
      pick('', '.*', '$', '(/.*)?', '(a|b)*', 'b*', '/?$', '.*$');
    const tree = parse(source);
    const index = source.includes('(a)(') || source.includes('(a)([') || source.includes('(a)(.') ? 2 : 1;
    const parts = simpleParts(tree, index);
    if (parts === null) continue;
    tried++;
    const general = new GroupFinder(tree, index);
    const simple = new SimpleGroup(parts);
    const input = Uint8Array.from({ length: Math.floor(random() * 14) }, () => 'aab/'.charCodeAt(random() * 4));
    const what = `${source} on ${String.fromCharCode(...input)}`;
    for (const end of [input.length, Math.max(0, input.length - 2)]) {
      const expected = general.find(input, 0, end) ? [general.start, general.end] : null;
      assert.deepEqual(simple.find(input, 0, end) ? [simple.start, simple.end] : null, expected, what);
    }
  }
  assert.ok(tried > 1000, `${tried}`);
});
