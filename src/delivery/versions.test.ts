import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { compareVersions, type Versions } from './versions.ts';

test('versions are numbers of any length, compared by type', () => {
  const rows: [Versions, Versions, string][] = [
    [{ a: '9' }, { a: '10' }, 'older'],
    [{ a: '18446744073709551617' }, { a: '18446744073709551616' }, 'newer'],
    [{ a: '10', b: '5' }, { a: '10', b: '5' }, 'same'],
    [{ a: '10', b: '5' }, { a: '9', b: '6' }, 'apart'],
    [{ a: '10', b: '5' }, { a: '9', b: '5' }, 'newer'],
    // A release that watches another type: judged by what both know.
    [{ a: '10', c: '1' }, { a: '10', b: '9' }, 'same'],
    [{}, { a: '1' }, 'same'],
    [{ constructor: '1' }, {}, 'same'],
  ];
  for (const [a, b, order] of rows) assert.equal(compareVersions(a, b), order, JSON.stringify([a, b]));
});

test('the order of two is the reverse of the other way round, and that of the numbers', () => {
  const some = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.bigInt({ min: 0n, max: 2n ** 70n }).map(String));
  const reverse = { older: 'newer', newer: 'older', same: 'same', apart: 'apart' };
  fc.assert(
    fc.property(some, some, (a, b) => {
      const order = compareVersions(a, b);
      assert.equal(compareVersions(b, a), reverse[order]);
      const common = Object.keys(a).filter((type) => Object.hasOwn(b, type));
      const signs = common.map((type) => BigInt(a[type]!) - BigInt(b[type]!));
      assert.equal(
        order === 'older' || order === 'apart',
        signs.some((sign) => sign < 0n),
      );
      assert.equal(
        order === 'newer' || order === 'apart',
        signs.some((sign) => sign > 0n),
      );
    }),
  );
});
