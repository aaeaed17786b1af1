import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { ClaimBook } from './claim-book.ts';
import type { Claimant } from './claims.ts';

const listener = fc.record({
  name: fc.constantFrom('l', 'm'),
  address: fc.constantFrom('::', '::', '::', '127.0.0.1'),
  port: fc.constantFrom(80, 80, 443),
  protocol: fc.constantFrom('HTTP' as const, 'HTTP' as const, 'TCP' as const),
  settings: fc.constantFrom('one', 'one', 'one', 'two'),
});
const claimant = fc.record({
  key: fc.constantFrom('a/a', 'a/b', 'a/c', 'a/d', 'b/a'),
  createdAt: fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'),
  asked: fc.record({
    listeners: fc.uniqueArray(listener, { minLength: 1, maxLength: 2, selector: ({ name }) => name }),
    hosts: fc.subarray(['*', 'a.example', 'b.example']),
  }),
});

void test('claims are the same whether they were settled step by step or all at once', () => {
  const step = fc.record({ claimant, asks: fc.constantFrom(true, true, true, false) });
  fc.assert(
    fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (steps) => {
      const book = new ClaimBook();
      const asking = new Map<string, Claimant>();
      const claims = new Map<string, unknown>();
      for (const changes of steps) {
        const update = new Map(changes.map((each) => [each.claimant.key, each.asks ? each.claimant : null]));
        for (const [key, now] of update) {
          if (now === null) asking.delete(key);
          else asking.set(key, now);
        }
        for (const [key, now] of book.update(update)) {
          if (now === null) claims.delete(key);
          else claims.set(key, now);
        }
        const fresh = new ClaimBook().update(asking);
        assert.deepEqual(claims, new Map(fresh));
      }
    }),
    { numRuns: 500 },
  );
});

const asks = (key: string, hosts: string[]): [string, Claimant] => [
  key,
  {
    key,
    createdAt: '',
    asked: { listeners: [{ name: 'l', address: '::', port: 80, protocol: 'HTTP', settings: '' }], hosts },
  },
];

void test('who is not concerned is not told', () => {
  const book = new ClaimBook();
  book.update(new Map([asks('a/a', ['a', 'x']), asks('a/b', ['b', 'x']), asks('a/c', ['c', 'x'])]));
  assert.deepEqual([...book.update(new Map([asks('a/b', ['d', 'x'])])).keys()], ['a/b']);
  assert.deepEqual([...book.update(new Map([asks('a/b', ['d', 'x'])])).keys()], []);
  assert.deepEqual([...book.update(new Map([asks('a/a', ['a'])])).keys()].toSorted(), ['a/a', 'a/b', 'a/c']);
});
