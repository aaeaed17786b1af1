import assert from 'node:assert/strict';
import { test } from 'node:test';

import { canonicalAddress, overlap } from './addresses.ts';

void test('an address has one text', () => {
  assert.equal(canonicalAddress('127.0.0.1'), '127.0.0.1');
  assert.equal(canonicalAddress('0:0:0:0:0:0:0:1'), '::1');
  assert.equal(canonicalAddress('FD00::00A1'), 'fd00::a1');
  assert.equal(canonicalAddress('::'), '::');
});

void test('what is no address has none', () => {
  for (const text of [
    '256.0.0.1',
    '1.2.3',
    '01.2.3.4',
    '1::2::3',
    '',
    ':',
    '::1]/x',
    'a.b.c.d',
    '1.2.3.4.5',
    'fe80::1%eth0',
  ]) {
    assert.equal(canonicalAddress(text), null, text);
  }
});

void test('sockets that take each other’s connections', () => {
  const yes = [
    ['127.0.0.1', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::', '::1'],
    ['::', '0.0.0.0'],
    ['0.0.0.0', '10.0.0.1'],
  ] as const;
  const no = [
    ['127.0.0.1', '127.0.0.2'],
    ['0.0.0.0', '::1'],
    ['fd00::1', 'fd00::2'],
  ] as const;
  for (const [a, b] of yes) assert.ok(overlap(a, b) && overlap(b, a), `${a} ${b}`);
  for (const [a, b] of no) assert.ok(!overlap(a, b) && !overlap(b, a), `${a} ${b}`);
});
