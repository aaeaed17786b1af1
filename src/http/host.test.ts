import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { hostEnd } from './host.ts';

/** Authority → its host, null where it is refused. */
const table: [string, string | null][] = [
  ['a', 'a'],
  ['shop.example', 'shop.example'],
  ['shop.example.', 'shop.example'],
  ['shop.example.:80', 'shop.example'],
  ['a_b:65535', 'a_b'],
  ['10.0.0.1:8080', '10.0.0.1'],
  ['[::1]', '[::1]'],
  ['[::1]:443', '[::1]'],
  ['[::ffff:10.0.0.1]', '[::ffff:10.0.0.1]'],
  ['', null],
  ['.', null],
  ['.a', null],
  ['a..b', null],
  ['a..', null],
  [':80', null],
  ['a:', null],
  ['a:0', null],
  ['a:65536', null],
  ['a:999999', null],
  ['a:+80', null],
  ['a:8 0', null],
  ['a:80:80', null],
  ['a b', null],
  ['a,b', null],
  ['a/b', null],
  ['a%2e', null],
  ['u@a', null],
  ['a\\', null],
  ['[::1', null],
  ['[]', null],
  ['[::g]', null],
  ['[::1]a', null],
  ['[::1]:', null],
  ['[fe80::1%25eth0]', null],
];

describe('hostEnd', () => {
  for (const [authority, host] of table) {
    it(`${authority} → ${host ?? 'refused'}`, () => {
      // what stands behind it must not matter
      for (const behind of ['\0', '\r\n', 'x', ':1', '.']) {
        const bytes = Buffer.from(`..${authority}${behind}`, 'latin1');
        const end = hostEnd(bytes, 2, 2 + authority.length);
        assert.equal(end < 0 ? null : bytes.toString('latin1', 2, end), host);
      }
    });
  }
});
