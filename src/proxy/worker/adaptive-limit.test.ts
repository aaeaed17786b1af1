import assert from 'node:assert/strict';
import { test } from 'node:test';

import { allocateShared, SharedState } from '../shared.ts';
import { startTestProxy } from '../testing.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { ask, freePort, origin, realServer, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';

const SLOT = 3;

/** A server that works on `capacity` requests at once, 10 ms each, and has as many in flight as it is allowed. */
class Model {
  readonly shared = new SharedState(allocateShared(1));
  readonly limiter: AdaptiveLimit;
  capacity: number;
  now = 0x7fff_ff00;

  constructor(capacity: number, most = 1000) {
    this.capacity = capacity;
    this.limiter = new AdaptiveLimit(this.shared, SLOT, most);
  }

  get limit(): number {
    return this.shared.adaptive.limit[SLOT]!;
  }

  /** `wanted`: as many as clients would have in flight. */
  run(windows: number, wanted = Infinity): void {
    for (let window = 0; window < windows; window++) {
      const inflight = Math.min(wanted, this.limit);
      this.shared.inflight[SLOT] = inflight;
      const microseconds = 10_000 * Math.max(1, inflight / this.capacity);
      for (let answer = 0; answer < 20; answer++) this.limiter.observe(microseconds, (this.now += 6) | 0);
    }
  }
}

void test('it begins at twenty, or at what is allowed at all', () => {
  assert.equal(new Model(100).limit, 20);
  assert.equal(new Model(100, 5).limit, 5);
});

void test('it begins where its throughput is known to peak, and goes on from there', () => {
  const shared = new SharedState(allocateShared(1));
  shared.adaptive.prior[SLOT] = 60;
  const limiter = new AdaptiveLimit(shared, SLOT, 1000);
  assert.equal(shared.adaptive.limit[SLOT], 60);
  shared.inflight[SLOT] = 60;
  for (let answer = 0, now = 0; answer < 20; answer++) limiter.observe(10_000, (now += 11));
  const { [SLOT]: limit = 0 } = shared.adaptive.limit;
  assert.ok(limit >= 60 && limit < 63, `${limit} after a window`);
  const narrow = new SharedState(allocateShared(1));
  narrow.adaptive.prior[SLOT] = 60;
  void new AdaptiveLimit(narrow, SLOT, 7);
  assert.equal(narrow.adaptive.limit[SLOT], 7, 'not above what is allowed at all');
});

void test('a prior of a cell is that of the endpoints that come to it', async (t) => {
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  const pieces = [realServer('web', web.port, { isAdaptive: true }), virtualServer(port, { servers: to('web') })];
  const proxy = await startTestProxy({ pieces: [] });
  t.after(() => proxy.close());
  proxy.serving.setPriors(new Map([['servers test/main\ntest/web', 42.4]]));
  await proxy.configure(pieces);
  assert.equal((await ask(port, '/')).status, 200);
  assert.deepEqual(
    proxy.serving.totals().concurrencyLimits.map(({ limit }) => limit),
    [42],
  );
});

void test('it grows to what the server can take, and stops there', () => {
  const model = new Model(100);
  model.run(300);
  assert.ok(model.limit >= 100, `${model.limit} of 100`);
  assert.ok(model.limit <= 250, `${model.limit} of 100`);
});

void test('it grows to the cap, and no further', () => {
  const model = new Model(10_000, 64);
  model.run(1000);
  assert.equal(model.limit, 64);
});

void test('it shrinks when the server becomes slower, and grows again when that is over', () => {
  const model = new Model(200);
  model.run(200);
  const before = model.limit;
  model.capacity = 20;
  model.run(30);
  const during = model.limit;
  assert.ok(during < before / 2, `${before} → ${during}`);
  model.capacity = 200;
  model.run(300);
  assert.ok(model.limit > 2 * during, `${before} → ${during} → ${model.limit}`);
});

void test('what is not used does not grow', () => {
  const model = new Model(100);
  model.run(500, 5);
  assert.equal(model.limit, 20);
});

void test('hours without a request are no window', () => {
  const model = new Model(100);
  model.run(50);
  const before = model.shared.adaptive.longLatency[SLOT]!;
  model.now += 5_000_000;
  model.limiter.observe(60_000_000, model.now | 0);
  assert.equal(model.shared.adaptive.longLatency[SLOT], before);
});

void test('over the limit: another server first, else 503 at once; the limit is shown', async (t) => {
  const release: (() => void)[] = [];
  const slow = await origin('slow', (_, response) => release.push(() => response.end('slow')));
  const port = await freePort();
  const pieces = (...more: ReturnType<typeof realServer>[]) => [
    realServer('slow', slow.port, { isAdaptive: true }),
    ...more,
    virtualServer(port, { servers: to('slow', ...more.map(() => 'other')) }),
  ];
  const proxy = await startTestProxy({ pieces: pieces(), workers: 2 });
  t.after(async () => {
    await proxy.close();
    slow.close();
  });
  const waiting = Array.from({ length: 20 }, () => ask(port, '/'));
  await until(() => release.length === 20, 'twenty are let through at first');
  const answer = await ask(port, '/');
  assert.equal(answer.status, 503);
  assert.match(answer.body, /at_capacity/);
  await until(() => proxy.serving.totals().limits.adaptive_concurrency === 1, 'not counted');
  const { concurrencyLimits } = proxy.serving.totals();
  assert.deepEqual(concurrencyLimits, [{ server: 'test/slow', address: '127.0.0.1', port: slow.port, limit: 20 }]);

  const other = await origin('other');
  t.after(() => other.close());
  await proxy.configure(pieces(realServer('other', other.port)));
  for (let each = 0; each < 4; each++) assert.equal((await ask(port, '/')).body, 'other');
  const { endpoints } = proxy.serving.counts();
  assert.ok(endpoints.every(({ down }) => down.length === 0));
  for (const go of release) go();
  for (const each of await Promise.all(waiting)) assert.equal(each.body, 'slow');
});
