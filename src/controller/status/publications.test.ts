import assert from 'node:assert/strict';
import test from 'node:test';

import type { ObjectStatus } from '../../model/status.ts';
import { Publications } from './publications.ts';

const status = (key: string): ObjectStatus => ({
  kind: 'RealServer',
  key,
  observedGeneration: 1,
  conditions: [],
  details: {},
});
const snapshot = (id: string) => ({ id, pieces: [] });

test('an object is as it is since the publication in which its own result changed', () => {
  const publications = new Publications();
  const [a, b] = [status('a'), status('b')];
  publications.published(snapshot('1'), [a, b]);
  publications.published(snapshot('2'), [a, status('b')]);
  assert.deepEqual([publications.since(a), publications.since(b)], [0, 1]);
  assert.deepEqual(
    ['1', '2', 'other', null].map((id) => publications.numberOf(id)),
    [0, 1, -1, -1],
  );
});

test('a change that changes nothing for the proxies needs no acknowledgement', () => {
  const publications = new Publications();
  publications.published(snapshot('1'), [status('a')]);
  publications.published(snapshot('1'), [status('a')]);
  assert.equal(publications.since(status('a')), 0);
});

test('what goes back to what it was is new', () => {
  const publications = new Publications();
  for (const id of ['1', '2', '1']) publications.published(snapshot(id), [status('a')]);
  assert.equal(publications.since(status('a')), 2);
  assert.equal(publications.numberOf('1'), 2);
  assert.equal(publications.numberOf('2'), 1);
});
