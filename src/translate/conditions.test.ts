import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ObjectStatus } from '../model/status.ts';
import { fillIn, isFalse, isPending, isTrue, listed, withReady } from './conditions.ts';

const status = (...conditions: ObjectStatus['conditions']): ObjectStatus => ({
  kind: 'TcpVirtualServer',
  key: 'shop/http',
  observedGeneration: 3,
  conditions: withReady('TcpVirtualServer', conditions, 3),
  details: {},
});

const programmed = {
  type: 'Programmed',
  status: 'True',
  reason: 'Programmed',
  message: '',
  observedGeneration: 3,
} as const;

const ready = (given: ObjectStatus) => given.conditions.find((each) => each.type === 'Ready');

void test('what the serving side knows fills what is unknown, and Ready follows', () => {
  const before = status(isTrue('Accepted', 'Accepted', '', 3), isPending('Programmed', 3));
  assert.equal(ready(before)?.status, 'Unknown');
  const after = fillIn(before, [programmed]);
  assert.deepEqual(
    after.conditions.map((each) => [each.type, each.status]),
    [
      ['Accepted', 'True'],
      ['Programmed', 'True'],
      ['Ready', 'True'],
    ],
  );
});

void test('what translate has refused stays refused', () => {
  const before = status(isTrue('Accepted', 'Accepted', '', 3), isFalse('Programmed', 'NoCertificate', 'TLS', 3));
  const after = fillIn(before, [programmed]);
  assert.equal(ready(after)?.reason, 'NoCertificate');
  assert.equal(ready(after)?.status, 'False');
});

void test('False goes before Unknown', () => {
  const given = status(isPending('Accepted', 3), isFalse('ResolvedRefs', 'ServerNotFound', 'web9', 3));
  assert.equal(ready(given)?.reason, 'ServerNotFound');
});

void test('long lists are cut, doubles told once', () => {
  assert.equal(listed(['a', 'b', 'a']), 'a; b');
  assert.match(listed(Array.from({ length: 50 }, (_, index) => `m${index}`)), /m9; and 40 more$/);
});
