import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ObjectCache } from './object-cache.ts';

const listed = (version: string, objects: Readonly<Record<string, string>>) => ({
  version,
  objects: new Map(Object.entries(objects).map(([key, value]) => [key, { value: key, version: value }])),
});

test('two that have seen the same know the same last change, whenever they have listed', () => {
  const old = new ObjectCache<string>({ keep: () => '' });
  old.replace(listed('50', { a: '10', b: '20' }));
  old.see('60');
  const late = new ObjectCache<string>({ keep: () => '' });
  late.replace(listed('900', { a: '10', b: '20' }));
  assert.deepEqual([old.lastChange, late.lastChange], ['20', '20']);
  assert.deepEqual([old.version, late.version], ['60', '900']);
  for (const each of [old, late]) each.set('a', 'a', '1000');
  assert.deepEqual([old.lastChange, late.lastChange], ['1000', '1000']);
  for (const each of [old, late]) each.delete('b', '1001');
  assert.deepEqual([old.lastChange, late.lastChange], ['1001', '1001']);
});

test('a list that lacks something: its deletion was at the list’s version at the latest', () => {
  const cache = new ObjectCache<string>({ keep: () => '' });
  cache.replace(listed('50', { a: '10', b: '20' }));
  assert.deepEqual(cache.replace(listed('70', { a: '10' })), ['b']);
  assert.equal(cache.lastChange, '70');
});

test('the view is the same map until something changes', () => {
  const cache = new ObjectCache<string>({ keep: () => '', same: (a, b) => a === b });
  cache.set('a', 'x', '1');
  const { view } = cache;
  assert.equal(cache.set('a', 'x', '2'), false);
  assert.equal(cache.view, view);
  assert.equal(cache.versionOf('a'), '2');
  assert.equal(cache.set('a', 'y', '3'), true);
  assert.deepEqual([...cache.view], [['a', 'y']]);
  assert.deepEqual([...view], [['a', 'x']]);
  assert.deepEqual(cache.clear(), ['a']);
  assert.equal(cache.view.size, 0);
});
