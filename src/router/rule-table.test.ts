import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import type { Match, PathMatch, ValueMatch } from '../model/snapshot.ts';
import { PatternError } from '../pattern/pattern.ts';
import { headOf, pathOf, type Request, ruleOf } from './fixture.ts';
import { matchByReading } from './reference.ts';
import { RuleTable } from './rule-table.ts';

function first(matches: readonly Partial<Match>[], request: Request): number {
  return new RuleTable(matches.map((match) => ruleOf(match))).match(headOf(request));
}

const valueOf = (name: string, type: ValueMatch['type'], wanted = ''): ValueMatch => ({ name, type, value: wanted });

const maybe = <Item>(items: fc.Arbitrary<Item>): fc.Arbitrary<Item[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Item[]>([]) },
    { weight: 1, arbitrary: fc.array(items, { maxLength: 2 }) },
  );

describe('paths', () => {
  const table: readonly [type: PathMatch['type'], value: string, yes: readonly string[], no: readonly string[]][] = [
    ['Exact', '/a', ['/a'], ['/a/', '/ab', '/', '/A']],
    ['Prefix', '/a', ['/a', '/a/', '/a/b'], ['/ab', '/', '/b/a', '/A']],
    ['Prefix', '/a/', ['/a', '/a/', '/a/b'], ['/ab']],
    ['Prefix', '/', ['/', '/a'], ['*']],
    ['Prefix', '/api', ['/api', '/api/x'], ['/api../x', '/api%2e%2e/', '/api;x']],
    ['Exact', '/a%2fb', ['/a%2fb'], ['/a/b', '/a%2Fb']],
    ['Regex', '/v[0-9]+', ['/v1'], ['/v1/x', '/x/v1']],
    ['Pattern', '/images/.*', ['/images/', '/x/images/y'], ['/images']],
    ['Pattern', '^/appc', ['/appc', '/appcd'], ['/x/appc']],
    ['Pattern', '^/appc$', ['/appc'], ['/appcd']],
    ['Pattern', '.*', ['/', '*'], []],
  ];
  for (const [type, value, yes, no] of table) {
    it(`${type} ${value}`, () => {
      for (const path of yes) assert.equal(first([{ path: pathOf(type, value) }], { path }), 0, path);
      for (const path of no) assert.equal(first([{ path: pathOf(type, value) }], { path }), -1, path);
    });
  }
});

describe('hosts, methods, headers, query', () => {
  const table: readonly [string, Partial<Match>, readonly Request[], readonly Request[]][] = [
    [
      'a host',
      { hosts: ['shop.example', '*.eu'] },
      [
        { path: '/', host: 'Shop.Example' },
        { path: '/', host: 'a.EU' },
      ],
      [
        { path: '/', host: 'eu' },
        { path: '/', host: '' },
      ],
    ],
    ['any host', { hosts: ['*'] }, [{ path: '/', host: '' }], []],
    ['methods', { methods: ['GET', 'PUT'] }, [{ path: '/', method: 'PUT' }], [{ path: '/', method: 'get' }, { path: '/', method: 'GETX' }]], // prettier-ignore
    [
      'a header, in any of its lines',
      { headers: [valueOf('x-a', 'Exact', 'one')] },
      [{ path: '/', fields: [['X-A', 'two'], ['x-a', 'one']] }], // prettier-ignore
      [{ path: '/', fields: [['x-a', 'One']] }, { path: '/', fields: [['x-ab', 'one']] }, { path: '/' }],
    ],
    [
      'header patterns, and presence',
      { headers: [valueOf('x-a', 'Regex', 'v[0-9]'), valueOf('x-b', 'Present')] },
      [{ path: '/', fields: [['x-a', 'v1'], ['X-B', '']] }], // prettier-ignore
      [{ path: '/', fields: [['x-a', 'v1']] }, { path: '/', fields: [['x-a', 'v1x'], ['x-b', '']] }], // prettier-ignore
    ],
    [
      'query parameters as they were sent',
      { query: [valueOf('a', 'Exact', '1'), valueOf('b', 'Present')] },
      [
        { path: '/', query: 'b&a=1' },
        { path: '/', query: 'a=2&a=1&b=' },
        { path: '/', query: '&a=1&&b=x=y' },
      ],
      [{ path: '/', query: 'a=1' }, { path: '/', query: 'a=%31&b' }, { path: '/' }, { path: '/', query: 'aa=1&b' }],
    ],
    ['a query pattern', { query: [valueOf('a', 'Regex', '[0-9]*')] }, [{ path: '/', query: 'a' }, { path: '/', query: 'a=12' }], [{ path: '/', query: 'a=x' }, { path: '/', query: '' }]], // prettier-ignore
  ];
  for (const [name, match, yes, no] of table) {
    it(name, () => {
      for (const request of yes) assert.equal(first([match], request), 0, JSON.stringify(request));
      for (const request of no) assert.equal(first([match], request), -1, JSON.stringify(request));
    });
  }
});

it('takes the lowest index, whatever finds it', () => {
  const kinds: readonly Partial<Match>[] = [
    { path: pathOf('Pattern', '/x/.*') },
    { path: pathOf('Prefix', '/a') },
    { path: pathOf('Exact', '/a/x/b') },
    { path: pathOf('Regex', '/[a-z]/x/.') },
    { path: null, methods: ['GET'] },
    { path: null },
  ];
  for (let shift = 0; shift < kinds.length; shift++) {
    const order = [...kinds.slice(shift), ...kinds.slice(0, shift)];
    assert.equal(first(order, { path: '/a/x/b' }), 0);
    assert.equal(first([{ path: null, methods: ['POST'] }, ...order], { path: '/a/x/b' }), 1);
  }
});

it('is what reading the rules one by one gives', () => {
  const path = fc.oneof(
    fc.constant(null),
    fc.tuple(
      fc.constantFrom<PathMatch['type'][]>('Exact', 'Prefix'),
      fc.constantFrom('/', '/a', '/a/', '/a/b', '/b', '/a/b/c', '/aa'),
    ),
    fc.tuple(fc.constant<PathMatch['type']>('Regex'), fc.constantFrom('/a.*', '/[ab]', '/(a|b)/.*', '.*b', '/a/b')),
    fc.tuple(
      fc.constant<PathMatch['type']>('Pattern'),
      fc.constantFrom('/a/.*', '.*', '^/a', 'b$', '/[ab]/b', 'a/b', '/a', 'b', '^/a/b$', 'a+/b+', '(a|c)/b', '/b/?c'),
    ),
  );
  const values = fc.record({
    name: fc.constantFrom('a', 'b'),
    type: fc.constantFrom<ValueMatch['type']>('Exact', 'Regex', 'Present'),
    value: fc.constantFrom('1', '2', ''),
  });
  const match = fc.record({
    path: path.map((each) => each && pathOf(each[0], each[1])),
    hosts: maybe(fc.constantFrom('x', '*.x', 'y.x', '*')),
    methods: maybe(fc.constantFrom('GET', 'PUT')),
    headers: maybe(values),
    query: maybe(values),
  });
  const pair = fc.tuple(fc.constantFrom('a', 'A', 'b'), fc.constantFrom('1', '2', ''));
  const request = fc.record({
    path: fc.array(fc.constantFrom('a', 'b', 'c', 'aa', ''), { maxLength: 4 }).map((each) => `/${each.join('/')}`),
    method: fc.constantFrom('GET', 'PUT', 'POST'),
    host: fc.constantFrom('x', 'y.x', 'z.x', 'Y.X', 'z', ''),
    fields: fc.array(pair, { maxLength: 3 }),
    query: fc.array(pair, { maxLength: 3 }).map((pairs) => pairs.map(([name, text]) => `${name}=${text}`).join('&')),
  });
  fc.assert(
    fc.property(
      fc.oneof(fc.array(match, { maxLength: 12 }), fc.array(match, { minLength: 40, maxLength: 60 })),
      fc.array(request, { minLength: 1, maxLength: 8 }),
      (matches, requests) => {
        const rules = matches.map((each) => ruleOf(each));
        const table = new RuleTable(rules);
        for (const each of requests) {
          const head = headOf(each);
          const expected = matchByReading(rules, head);
          assert.equal(table.match(head), expected, JSON.stringify(each));
          assert.equal(
            table.explain(rules, head).findIndex(({ reasons }) => reasons.length === 0),
            expected,
          );
        }
      },
    ),
    { numRuns: 400 },
  );
});

it('hashes the text of the group, and nothing else', () => {
  const table = new RuleTable([
    ruleOf({ path: pathOf('Pattern', '/users/([^/]+)(/x)?'), hashGroup: 1 }),
    ruleOf({ path: pathOf('Pattern', '/users/([^/]+)(/x)?'), hashGroup: 2 }),
    ruleOf({ path: pathOf('Prefix', '/users') }),
  ]);
  const hash = (path: string, index = 0): number => table.hashGroup(index, headOf({ path }));
  assert.equal(hash('/users/alice/1'), hash('/a/users/alice'));
  assert.notEqual(hash('/users/alice'), hash('/users/alicf'));
  assert.equal(hash('/other'), -1);
  assert.equal(hash('/users/alice', 1), -1);
  assert.ok(hash('/users/alice/x', 1) >= 0);
  assert.equal(hash('/users/alice', 2), -1);
  // Well mixed: a thousand users over ten parts of the range, none of them far from a hundred.
  const parts = Array.from({ length: 10 }, () => 0);
  for (let user = 0; user < 1000; user++) parts[Math.floor((hash(`/users/user${user}`) / 2 ** 32) * 10)]!++;
  for (const part of parts) assert.ok(part > 60 && part < 140, parts.join());
});

it('says why a rule did not take a request', () => {
  const rules = [
    ruleOf({ path: pathOf('Exact', '/b'), methods: ['PUT'], hosts: ['x'] }, 'one'),
    ruleOf({ path: pathOf('Pattern', '/a.*') }, 'two'),
  ];
  assert.deepEqual(new RuleTable(rules).explain(rules, headOf({ path: '/a' })), [
    { index: 0, name: 'one', reasons: ['path', 'hosts', 'methods'] },
    { index: 1, name: 'two', reasons: [] },
  ]);
});

it('refuses what does not compile', () => {
  const bad: readonly Partial<Match>[] = [
    { path: pathOf('Pattern', '(') },
    { path: pathOf('Pattern', '/a/(.*)'), hashGroup: 2 },
    { headers: [{ name: 'a', type: 'Regex', value: '(?=x)' }] },
  ];
  for (const match of bad) assert.throws(() => new RuleTable([ruleOf(match)]), PatternError);
});
