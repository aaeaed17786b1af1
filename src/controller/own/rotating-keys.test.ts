import assert from 'node:assert/strict';
import { test } from 'node:test';

import { advanceKeys, keysFromData, keysInOrder, keysToData, newRotatingKeys, type Rotation } from './rotating-keys.ts';

const HOUR = 3_600_000;
let made = 0;
const rotation: Rotation = {
  name: 'k',
  make: () => `key${made++}`,
  pattern: /^key\d+$/,
  period: 100 * HOUR,
  overlap: 2 * HOUR,
};

test('the next one is known before it signs, the previous one is understood until the one after', () => {
  made = 0;
  const first = newRotatingKeys(rotation, 0);
  assert.deepEqual(keysInOrder(first), ['key0']);
  assert.equal(advanceKeys(first, rotation, 97 * HOUR), first);
  const coming = advanceKeys(first, rotation, 98 * HOUR);
  assert.deepEqual(keysInOrder(coming), ['key0', 'key1']);
  assert.equal(advanceKeys(coming, rotation, 99 * HOUR), coming);
  const second = advanceKeys(coming, rotation, 100 * HOUR);
  assert.deepEqual(keysInOrder(second), ['key1', 'key0']);
  const third = [198, 200].reduce((keys, hour) => advanceKeys(keys, rotation, hour * HOUR), second);
  assert.deepEqual(keysInOrder(third), ['key2', 'key1']);
});

test('after a long sleep nobody signs with what others do not know yet', () => {
  const first = newRotatingKeys(rotation, 0);
  const late = advanceKeys(first, rotation, 500 * HOUR);
  assert.equal(keysInOrder(late)[0], first.current);
  assert.equal(advanceKeys(late, rotation, 501 * HOUR), late);
  assert.equal(keysInOrder(advanceKeys(late, rotation, 502 * HOUR))[1], first.current);
});

test('fields of a Secret and back; none; and what is wrong in them, without the value', () => {
  const keys = advanceKeys(newRotatingKeys(rotation, 0), rotation, 98 * HOUR);
  assert.deepEqual(keysFromData(keysToData(keys, rotation), rotation), keys);
  assert.equal(keysFromData({}, rotation), null);
  const bad = { ...keysToData(keys, rotation), 'k.current': 'geheim' };
  assert.throws(
    () => keysFromData(bad, rotation),
    (error: Error) => /k\.current/.test(error.message) && !/geheim/.test(error.message),
  );
  assert.throws(
    () => keysFromData({ ...keysToData(keys, rotation), 'k.since': 'x' }, rotation),
    /k\.since is not a time/,
  );
});
