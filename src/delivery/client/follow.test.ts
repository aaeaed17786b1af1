import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { compareVersions } from '../versions.ts';
import { Following, type Offer, PATIENCE } from './follow.ts';

const all = (): boolean => true;
const offer = (server: string, id: string, version: number, keys = 'k'): Offer => ({
  server,
  id,
  keys,
  versions: { services: String(version) },
});

function following(...offers: Offer[]): Following {
  const it = new Following();
  for (const each of offers) it.accept(each);
  return it;
}

test('the newest wins, whoever offers it; the same is known, older is refused', () => {
  const it = following(offer('a', 's1', 10));
  assert.deepEqual(it.judge(offer('b', 's2', 11), all, 0), { kind: 'take' });
  assert.deepEqual(it.judge(offer('b', 's1', 11), all, 0), { kind: 'known' });
  assert.deepEqual(it.judge(offer('b', 's1', 10), all, 0), { kind: 'known' });
  assert.deepEqual(it.judge(offer('b', 's0', 9), all, 0), { kind: 'older' });
  assert.deepEqual(it.judge(offer('a', 's0', 9), all, 0), { kind: 'older' });
  assert.deepEqual(it.judge({ ...offer('b', 's2', 11), keys: 'k2' }, all, 0), { kind: 'take' });
  const apart = { ...offer('b', 's2', 11), versions: { services: '11', slices: '4' } };
  const two = following({ ...offer('a', 's1', 10), versions: { services: '10', slices: '5' } });
  assert.deepEqual(two.judge(apart, all, 0), { kind: 'older' });
});

test('what the followed replica says of the same versions is taken; from another, only when that one is gone', () => {
  const it = following(offer('a', 's1', 10));
  assert.deepEqual(it.judge(offer('a', 's2', 10), all, 0), { kind: 'take' });
  assert.deepEqual(it.judge(offer('b', 's2', 10), all, 0), { kind: 'dissent' });
  assert.equal(it.dissenters, 1);
  assert.deepEqual(
    it.judge(offer('b', 's2', 10), (server) => server === 'b', 0),
    { kind: 'take' },
  );
});

test('a dissenter that is ahead waits for the followed one; if that does not catch up, it is followed itself', () => {
  const it = following(offer('a', 's1', 10));
  it.judge(offer('b', 't1', 10), all, 0);
  assert.deepEqual(it.judge(offer('b', 't2', 11), all, 100), { kind: 'later', wait: PATIENCE });
  assert.deepEqual(it.judge(offer('b', 't2', 11), all, 600), { kind: 'later', wait: PATIENCE - 500 });
  // The followed one catches up: patience begins anew.
  it.accept(offer('a', 's2', 11));
  assert.deepEqual(it.judge(offer('b', 't2', 11), all, 700), { kind: 'dissent' });
  assert.deepEqual(it.judge(offer('b', 't3', 12), all, 10_000), { kind: 'later', wait: PATIENCE });
  assert.deepEqual(it.judge(offer('b', 't3', 12), all, 10_000 + PATIENCE), { kind: 'take' });
  it.accept(offer('b', 't3', 12));
  assert.deepEqual(it.judge(offer('a', 's3', 12), all, 20_000), { kind: 'dissent' });
});

test('one that says the same again is no dissenter any more', () => {
  const it = following(offer('a', 's1', 10));
  it.judge(offer('b', 't1', 10), all, 0);
  assert.deepEqual(it.judge(offer('b', 's1', 10), all, 0), { kind: 'known' });
  assert.equal(it.dissenters, 0);
  assert.deepEqual(it.judge(offer('b', 's2', 11), all, 0), { kind: 'take' });
});

test('versions are learnt from what is known, and those of types that a replica does not watch are kept', () => {
  const it = following({ ...offer('a', 's1', 10), versions: { services: '10', extra: '3' } });
  it.accept(offer('b', 's1', 12));
  assert.deepEqual(it.current, { ...offer('a', 's1', 12), versions: { services: '12', extra: '3' } });
  assert.deepEqual(it.judge({ ...offer('b', 's2', 12), versions: { services: '12', extra: '2' } }, all, 0), {
    kind: 'older',
  });
});

test('whatever is offered in whatever order: never backwards; two steady replicas that disagree are not swung between', () => {
  const step = fc.record({
    server: fc.constantFrom('a', 'b', 'c'),
    id: fc.constantFrom('s1', 's2', 's3'),
    versions: fc.record({ x: fc.nat(3).map(String), y: fc.nat(3).map(String) }),
    reached: fc.subarray(['a', 'b', 'c']),
    after: fc.nat(3000),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const it = new Following();
      let now = 0;
      for (const { server, id, versions, reached, after } of steps) {
        now += after;
        const before = it.current;
        const next = { server, id, versions, keys: 'k' };
        const { kind } = it.judge(next, (each) => reached.includes(each), now);
        if (kind === 'take' || kind === 'known') it.accept(next);
        if (before === null) continue;
        assert.ok(['same', 'newer'].includes(compareVersions(it.current!.versions, before.versions)));
        const moved = it.current!.server !== before.server;
        const same = compareVersions(it.current!.versions, before.versions) === 'same';
        if (moved && same) assert.ok(!reached.includes(before.server), 'moved without need');
      }
    }),
    { numRuns: 2000 },
  );
});
