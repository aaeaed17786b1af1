import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { eachToken, hasToken } from './tokens.ts';

/** List → its tokens, and whether it is well-formed. */
const table: [string, string[], boolean][] = [
  ['a', ['a'], true],
  ['a,b', ['a', 'b'], true],
  [' a \t,\tb ', ['a', 'b'], true],
  ['a_b', ['a_b'], true],
  ['', [], false],
  [',', [], false],
  ['a,', ['a'], false],
  [',a', ['a'], false],
  ['a,,b', ['a', 'b'], false],
  ['a;q=1, b', ['a', 'b'], false],
  ['a b, c', ['a', 'c'], false],
  ['"a", b', ['b'], false],
];

describe('eachToken', () => {
  for (const [list, tokens, wellFormed] of table) {
    it(JSON.stringify(list), () => {
      // what stands behind the list must not be read
      const bytes = Buffer.from(`x${list}z,z`, 'latin1');
      const found: string[] = [];
      const result = eachToken(bytes, 1, 1 + list.length, (start, end) =>
        found.push(bytes.toString('latin1', start, end)),
      );
      assert.deepEqual(found, tokens);
      assert.equal(result, wellFormed);
    });
  }
});

const has = (list: string) => hasToken(Buffer.from(list, 'latin1'), 0, list.length, 'trailers');

it('hasToken looks at whole tokens, in any case', () => {
  assert.ok(has('gzip, Trailers;q=0.5'));
  assert.ok(!has('trailersx'));
  assert.ok(!has('xtrailers'));
  assert.ok(!has('trailer'));
});
