import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { createLogger } from '../telemetry/log.ts';
import { ManualClock } from './fixture/manual-clock.ts';
import { refuse, SmallApi } from './fixture/small-api.ts';
import { type ElectionOptions, LeaderElection } from './leader-election.ts';
import { held, microTime, released } from './lease.ts';
import type { KubeObject } from './resource.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/n/leases/l';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Waits until something holds that follows from what was sent over the network, however long that takes. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

async function open() {
  const small = await SmallApi.start();
  closers.push(() => small.stop());
  const clock = new ManualClock();
  const log: string[] = [];
  /** A candidate; `cut` is its network cable. */
  const candidate = (identity: string, options: Partial<ElectionOptions> = {}) => {
    const cable = { cut: false };
    const api = new Proxy(small.api, {
      get: (target, property) => {
        if (cable.cut && (property === 'call' || property === 'stream')) {
          return () => Promise.reject(new Error('the cable is cut'));
        }
        const value = Reflect.get(target, property) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const election = new LeaderElection({
      api,
      namespace: 'n',
      name: 'l',
      identity,
      clock,
      random: () => 0,
      watchTiming: { backoff: { first: 1, most: 2 }, betweenLists: 1, slowly: 2 },
      log: createLogger({ level: 'silent' }),
      onChange: (leading) => {
        log.push(`${identity} ${leading ? 'leads' : 'stops'}`);
        const leaders = all.filter((each) => each.election.leading);
        assert.ok(leaders.length <= 1, 'two lead at once');
      },
      ...options,
    });
    const made = { election, cable };
    all.push(made);
    closers.push(() => {
      cable.cut = false;
      return election.close();
    });
    election.start();
    return made;
  };
  const all: { election: LeaderElection; cable: { cut: boolean } }[] = [];
  const spec = () =>
    small.objects('/apis/coordination.k8s.io/v1/namespaces/n/leases')[0]?.['spec'] as Record<string, unknown>;
  const renewals = () => small.version;
  return { small, clock, log, candidate, spec, renewals };
}

test('records: six digits of a second, who, since when, how many before', () => {
  const now = new Date('2026-03-01T10:00:00.123Z');
  assert.equal(microTime(now), '2026-03-01T10:00:00.123000Z');
  const first = held({}, 'a', 8, now);
  assert.deepEqual(first, {
    holderIdentity: 'a',
    leaseDurationSeconds: 8,
    acquireTime: '2026-03-01T10:00:00.123000Z',
    renewTime: '2026-03-01T10:00:00.123000Z',
    leaseTransitions: 0,
  });
  const later = new Date('2026-03-01T10:00:02.000Z');
  const renewed = held(first, 'a', 8, later);
  assert.deepEqual(renewed, { ...first, renewTime: microTime(later) });
  assert.deepEqual(held(renewed, 'b', 8, later), {
    holderIdentity: 'b',
    leaseDurationSeconds: 8,
    acquireTime: microTime(later),
    renewTime: microTime(later),
    leaseTransitions: 1,
  });
  assert.equal(released(renewed, later).holderIdentity, '');
});

test('the first leads at once, and renews every two seconds', async () => {
  const { clock, log, candidate, spec, renewals } = await open();
  const { election } = candidate('a');
  await until(() => election.leading);
  assert.equal(spec()['holderIdentity'], 'a');
  assert.equal(spec()['leaseDurationSeconds'], 8);
  for (let i = 0; i < 5; i++) {
    const before = renewals();
    await until(() => clock.next === 2000);
    clock.advance(2000);
    await until(() => renewals() !== before);
  }
  assert.deepEqual(log, ['a leads']);
  assert.equal(spec()['leaseTransitions'], 0);
});

test('given up: somebody else leads at once, without any time passing', async () => {
  const { clock, log, candidate, spec } = await open();
  const a = candidate('a');
  await until(() => a.election.leading);
  const b = candidate('b');
  await until(() => b.election.holder === 'a');
  await a.election.close();
  await until(() => b.election.leading);
  assert.equal(clock.now(), 0);
  assert.deepEqual(log, ['a leads', 'a stops', 'b leads']);
  assert.equal(spec()['leaseTransitions'], 1);
});

test('cut off: it stops after 5 s, and the other one leads after 8 s, not before', async () => {
  const { clock, log, candidate, renewals } = await open();
  const a = candidate('a');
  await until(() => a.election.leading);
  const b = candidate('b');
  await until(() => b.election.holder === 'a');
  // the next renewal is seen by both
  const before = renewals();
  clock.advance(2000);
  await until(() => renewals() !== before);
  await until(() => clock.next !== null && clock.next > 0);
  a.cable.cut = true;
  for (let waited = 0; waited < 7000; waited += 500) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(b.election.leading, false);
    if (waited + 500 < 5000) assert.equal(a.election.leading, true, `after ${waited + 500} ms`);
    else assert.equal(a.election.leading, false, `after ${waited + 500} ms`);
  }
  while (!b.election.leading) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(clock.now() <= 2000 + 13_000, `${clock.now()} ms`);
  assert.deepEqual(log, ['a leads', 'a stops', 'b leads']);
});

test('a process that was stopped for a while does not believe that it leads', async () => {
  const { clock, candidate } = await open();
  const { election } = candidate('a');
  await until(() => election.leading);
  // time passes, and none of its timers has run yet
  const now = clock.now.bind(clock);
  clock.now = () => now() + 6000;
  assert.equal(election.leading, false);
});

test('somebody else writes to the lease: whoever holds it goes on, and whoever does not stops', async () => {
  const { small, clock, log, candidate, renewals } = await open();
  const { election } = candidate('a');
  await until(() => election.leading && clock.next === 2000);
  const lease = (): KubeObject => small.objects('/apis/coordination.k8s.io/v1/namespaces/n/leases')[0] as KubeObject;
  small.put(PATH, { ...lease(), labels: { touched: 'yes' } });
  const before = renewals();
  clock.advance(2000);
  await until(() => renewals() !== before && clock.next === 2000);
  assert.ok(election.leading);
  small.put(PATH, { ...lease(), spec: held({}, 'z', 8, new Date()) });
  clock.advance(2000);
  await until(() => !election.leading);
  assert.deepEqual(log, ['a leads', 'a stops']);
  assert.equal(election.holder, 'z');
});

test('the lease is deleted: its holder makes it anew', async () => {
  const { small, clock, log, candidate, spec } = await open();
  const { election } = candidate('a');
  await until(() => election.leading && clock.next === 2000);
  small.remove(PATH);
  clock.advance(2000);
  await until(() => spec() !== undefined);
  assert.ok(election.leading);
  assert.deepEqual(log, ['a leads']);
});

test('a renewal that fails is tried again after a second; the time counts from when it was sent', async () => {
  const { small, clock, candidate, renewals } = await open();
  const { election } = candidate('a');
  await until(() => election.leading && clock.next === 2000);
  let failures = 0;
  small.intercept = ({ method }, response) => {
    if (method !== 'PUT' || failures === 2) return false;
    failures++;
    refuse(response, 500, 'InternalError');
    return true;
  };
  const before = renewals();
  clock.advance(2000);
  await until(() => clock.next === 1000);
  clock.advance(1000);
  await until(() => failures === 2 && clock.next === 1000);
  clock.advance(1000);
  await until(() => renewals() !== before);
  assert.ok(election.leading);
});

test('three candidates and a hundred cut cables: never two at once, always one in the end', async () => {
  const { clock, candidate } = await open();
  const all = ['a', 'b', 'c'].map((identity) => candidate(identity));
  let seed = 7;
  const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  for (let round = 0; round < 100; round++) {
    const one = all[Math.floor(random() * 3)];
    assert.ok(one !== undefined);
    one.cable.cut = random() < 0.5;
    for (let i = 0; i < 6; i++) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(all.filter(({ election }) => election.leading).length <= 1);
    }
  }
  for (const { cable } of all) cable.cut = false;
  while (!all.some(({ election }) => election.leading)) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
