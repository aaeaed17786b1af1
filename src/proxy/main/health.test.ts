import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { WARM } from '../../model/plan.ts';
import type { HealthCheck } from '../../model/snapshot.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import { allocateShared, DOWN, SharedState } from '../shared.ts';
import { quiet, until } from './fixture/support.ts';
import { Health } from './health.ts';

const check: HealthCheck = { path: '/healthz', interval: 2, timeout: 100, healthy: 2, unhealthy: 3 };

const endpoint = (slot: number): EndpointState => ({
  slot,
  identity: `HTTP1 10.0.0.${slot} 80`,
  address: `10.0.0.${slot}`,
  port: 80,
  protocol: 'HTTP1',
  tls: null,
  proxyProtocol: null,
  isAdaptive: false,
  guard: null,
  rows: new Map(),
  servers: new Map(),
  sparedIn: new Set(),
});

/** Health with answers given by the test; `problem` null = the endpoint is there. */
const healthWith = (
  t: TestContext,
  facts: { check: HealthCheck | null; quiesced?: boolean; slowStart?: number },
  log = quiet,
) => {
  const world = {
    problem: null as string | null,
    probes: 0,
    changed: [] as number[],
    facts: { quiesced: false, slowStart: 0, ...facts },
    /** Steps of slow starts that are due some time. */
    due: [] as { milliseconds: number; run: () => void }[],
  };
  const shared = new SharedState(allocateShared(1));
  const health = new Health({
    shared,
    log,
    probe: async () => {
      world.probes++;
      return world.problem;
    },
    random: () => 0.5,
    facts: () => world.facts,
    after: (milliseconds, run) => {
      const step = { milliseconds, run };
      world.due.push(step);
      return () => world.due.splice(world.due.indexOf(step), 1);
    },
    changed: (slot) => world.changed.push(slot),
  });
  t.after(() => health.close());
  return { health, shared, world };
};

/** Checks are timers that do not keep the process alive; a test that waits for them does. */
const alive = (t: TestContext) => {
  const timer = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(timer));
};

test('an endpoint is up until it failed as often as its check says, and down until it answered as often', async (t) => {
  alive(t);
  const { health, shared, world } = healthWith(t, { check });
  const one = endpoint(1);
  health.update(one);
  assert.equal(health.checkFailed(1), false);
  world.problem = 'status 500';
  await until(() => world.changed.length === 1);
  assert.ok(world.probes >= 3);
  assert.equal(health.checkFailed(1), true);
  health.update(one);
  assert.equal(shared.down[1], DOWN.check);
  world.problem = null;
  world.probes = 0;
  await until(() => world.changed.length === 2);
  assert.ok(world.probes >= 2);
  health.update(one);
  assert.equal(shared.down[1], 0);
});

test('without its check an endpoint is up again', async (t) => {
  alive(t);
  const { health, world } = healthWith(t, { check });
  const one = endpoint(1);
  health.update(one);
  world.problem = 'ECONNREFUSED';
  await until(() => health.checkFailed(1));
  world.facts = { check: null, quiesced: false, slowStart: 0 };
  health.update(one);
  assert.equal(health.checkFailed(1), false);
  assert.deepEqual(world.changed, [1, 1]);
});

test('an endpoint that is gone is asked no more', async (t) => {
  alive(t);
  const { health, world } = healthWith(t, { check });
  health.update(endpoint(1));
  await until(() => world.probes > 0);
  health.remove(1);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  const { probes } = world;
  health.update(endpoint(2));
  health.remove(2);
  assert.equal(world.probes, probes);
  health.suspect(1, 'refused');
  assert.equal(health.ejected(1), 0);
});

test('ejected: at once when refused, after five other failures in a row', (t) => {
  const { health } = healthWith(t, { check: null });
  for (const slot of [1, 2, 3]) health.update(endpoint(slot));
  health.suspect(1, 'refused');
  assert.equal(health.ejected(1), 1);
  for (let i = 0; i < 4; i++) health.suspect(2, 'timeout');
  health.cleared(2);
  for (let i = 0; i < 4; i++) health.suspect(2, 'reset');
  assert.equal(health.ejected(2), 0);
  health.suspect(2, 'reset');
  assert.equal(health.ejected(2), 2, 'the order in which they were ejected');
});

test('an endpoint that some row keeps has no bit, also after a worker set it again', (t) => {
  const { health, shared } = healthWith(t, { check: null });
  const one = endpoint(1);
  health.update(one);
  Atomics.or(shared.down, 1, DOWN.ejected);
  health.suspect(1, 'refused');
  one.sparedIn.add('servers d/v');
  health.update(one);
  assert.equal(shared.down[1], 0);
  Atomics.or(shared.down, 1, DOWN.ejected);
  health.suspect(1, 'refused');
  assert.equal(shared.down[1], 0);
  one.sparedIn.clear();
  const bits = health.update(one);
  assert.equal(shared.down[1], 0, 'not before the new epochs are in force');
  health.bar(one, bits);
  assert.equal(shared.down[1], DOWN.ejected);
});

test('quiesced is a bit of its own', (t) => {
  const { health, shared, world } = healthWith(t, { check: null, quiesced: true });
  const one = endpoint(1);
  const bits = health.update(one);
  health.bar(one, bits);
  assert.equal(shared.down[1], DOWN.quiesced);
  world.facts = { check: null, quiesced: false, slowStart: 0 };
  health.update(one);
  assert.equal(shared.down[1], 0);
  health.bar(one, bits);
  assert.equal(shared.down[1], 0, 'it holds no longer');
});

test('a slot that was freed and given to another endpoint starts anew', (t) => {
  const { health } = healthWith(t, { check: null });
  health.update(endpoint(1));
  health.suspect(1, 'refused');
  health.update({ ...endpoint(1), identity: 'HTTP1 10.9.9.9 80' });
  assert.equal(health.ejected(1), 0);
});

test('an ejected endpoint is let in by its check, and by an answer where it is spared', async (t) => {
  alive(t);
  const { health, world } = healthWith(t, { check });
  const one = endpoint(1);
  health.update(one);
  health.suspect(1, 'refused');
  health.cleared(1);
  assert.equal(health.ejected(1), 1, 'an answer from before');
  await until(() => health.ejected(1) === 0);
  assert.ok(world.probes >= check.healthy);
  health.suspect(1, 'refused');
  one.sparedIn.add('servers d/v');
  health.cleared(1);
  assert.equal(health.ejected(1), 0);
});

test('an endpoint that is the only one, and fails all the time, does not fill the log', (t) => {
  const said: string[] = [];
  const say = (_: object, message: string) => said.push(message);
  const { health } = healthWith(t, { check: null }, { ...quiet, info: say, warn: say });
  const one = endpoint(1);
  one.sparedIn.add('servers d/v');
  health.update(one);
  for (let i = 0; i < 1000; i++) {
    health.suspect(1, 'refused');
    health.cleared(1);
  }
  assert.deepEqual(said, ['endpoint ejected', 'endpoint is back']);
});

/** The next step of a slow start is due. */
function pass(world: { due: { milliseconds: number; run: () => void }[] }): void {
  world.due.shift()!.run();
}

test('an endpoint that comes back starts slowly: ten steps over the time that its real server says', async (t) => {
  alive(t);
  const { health, world } = healthWith(t, { check, slowStart: 30_000 });
  const one = endpoint(1);
  health.update(one);
  health.begun();
  assert.equal(health.warmth(1), WARM, 'of the first snapshot');
  world.problem = 'HTTP 500';
  await until(() => health.checkFailed(1));
  health.update(one);
  assert.deepEqual([health.warmth(1), world.due.length], [1, 0], 'it is out');
  world.problem = null;
  await until(() => !health.checkFailed(1));
  assert.equal(health.warmth(1), 1, 'when it comes back');
  health.update(one);
  const [{ milliseconds } = { milliseconds: 0 }] = world.due;
  assert.equal(milliseconds, 3000);
  for (let warmth = 2; warmth <= WARM; warmth++) {
    const changes = world.changed.length;
    pass(world);
    health.update(one);
    assert.deepEqual([health.warmth(1), world.changed.length - changes], [warmth, 1]);
  }
  assert.equal(world.due.length, 0, 'no step after the last');
});

test('one of thousands of rows takes fewer steps, and larger ones, in about the same time', (t) => {
  const { health, world } = healthWith(t, { check: null, slowStart: 20_000 });
  const one = endpoint(1);
  for (let row = 0; row < 5000; row++) one.rows.set(`row ${row}`, 1);
  health.begun();
  health.update(one);
  const warmths: number[] = [];
  while (world.due.length > 0) {
    assert.equal(world.due[0]!.milliseconds, 5000);
    pass(world);
    warmths.push(health.warmth(1));
  }
  assert.deepEqual(warmths, [4, 7, 10]);
});

test('one that goes out while it starts begins anew', (t) => {
  const { health, world } = healthWith(t, { check: null, slowStart: 1000 });
  const one = endpoint(1);
  health.begun();
  health.update(one);
  for (let steps = 0; steps < 4; steps++) pass(world);
  assert.equal(health.warmth(1), 5);
  world.facts.quiesced = true;
  health.update(one);
  assert.deepEqual([health.warmth(1), world.due.length], [1, 0]);
  world.facts.quiesced = false;
  health.update(one);
  assert.deepEqual([health.warmth(1), world.due.length], [1, 1]);
  health.remove(1);
  assert.equal(world.due.length, 0, 'a step for what is gone');
});

test('new endpoints start slowly once there is a snapshot in force; without slowStart nobody does', (t) => {
  const { health, world } = healthWith(t, { check: null, slowStart: 1000 });
  assert.equal(health.warmth(-1), WARM);
  health.update(endpoint(1));
  health.begun();
  assert.equal(health.warmth(-1), 1);
  health.update(endpoint(2));
  assert.deepEqual([health.warmth(1), health.warmth(2), world.due.length], [WARM, 1, 1]);
  world.facts.slowStart = 0;
  pass(world);
  assert.deepEqual([health.warmth(2), world.due.length], [WARM, 0], 'it is not asked for any more');
  health.update(endpoint(3));
  assert.deepEqual([health.warmth(3), world.due.length], [WARM, 0]);
});

test('one that is ejected, and spared, has not been away', (t) => {
  const { health, world } = healthWith(t, { check: null, slowStart: 1000 });
  const one = endpoint(1);
  health.update(one);
  health.begun();
  one.sparedIn.add('row');
  health.suspect(1, 'refused');
  health.update(one);
  health.cleared(1);
  health.update(one);
  assert.deepEqual([health.warmth(1), world.due.length], [WARM, 0]);
});
