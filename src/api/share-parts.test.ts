import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { shareParts } from './share-parts.ts';

const copy = (value: unknown) => structuredClone(value);

test('equal parts become one', () => {
  const rule = { match: { hosts: ['a.example'], methods: [] }, retry: { attempts: 1 } };
  const shared = shareParts([copy(rule), copy(rule), { match: copy(rule.match), retry: {} }]) as (typeof rule)[];
  assert.equal(shared[0], shared[1]);
  assert.equal(shared[0]!.match, shared[2]!.match);
  assert.deepEqual(shared, [rule, rule, { match: rule.match, retry: {} }]);
});

test('what is known already is used, and not changed', () => {
  const known = Object.freeze({ hosts: Object.freeze(['a']), path: Object.freeze({ type: 'Exact', value: '/' }) });
  const fresh = shareParts({ hosts: ['a'], path: { type: 'Exact', value: '/' }, methods: [] }, known);
  assert.equal(fresh.hosts, known.hosts);
  assert.equal(fresh.path, known.path);
  assert.deepEqual(fresh, { hosts: ['a'], path: { type: 'Exact', value: '/' }, methods: [] });
});

test('parts that look alike and are not stay what they are', () => {
  const parts = [
    [],
    {},
    ['1'],
    [1],
    [true],
    ['true'],
    { a: 1, b: 2 },
    { a: '1' },
    { a: null },
    { a: undefined },
    [null],
  ];
  const shared = shareParts(copy(parts)) as unknown[];
  assert.deepEqual(shared, parts);
  assert.equal(new Set(shared).size, parts.length);
});

test('the data means the same afterwards', () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(value, value, (fresh, known) => {
      const [before, knownBefore] = [JSON.stringify(fresh), JSON.stringify(known)];
      assert.equal(JSON.stringify(shareParts(copy(fresh), known)), before);
      assert.equal(JSON.stringify(known), knownBefore);
      // All of it is known.
      if (typeof known === 'object' && known !== null) assert.equal(shareParts(copy(known), known), known);
    }),
  );
});
