/** What is measured of the cells of a matrix: requests in flight by level, what was answered, timed out, shed. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test, type TestContext } from 'node:test';

import { inflightAt, type LevelSums, noLevels } from '../../model/levels.ts';
import type { MatrixPiece } from '../../model/snapshot.ts';
import type { Serving } from '../serving-contract.ts';
import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';

const matrix = (weight: number, hash = 'matrix'): MatrixPiece => ({
  kind: 'Matrix',
  key: 'test/m',
  hash,
  columns: [{ app: 'shop', service: null, cells: [{ server: 'test/web', weight }] }],
});

/** A server that keeps its requests until the test answers them, behind a proxy of so many workers. */
async function stage(t: TestContext, { workers = 1, weight = 1, request = 10_000 } = {}) {
  const held: ServerResponse[] = [];
  const web = await origin('web', (_, response) => held.push(response));
  t.after(() => web.close());
  const port = await freePort();
  const shop = rule(
    'shop',
    [],
    {},
    {
      destinations: { kind: 'App', matrix: 'test/m', app: 'shop' },
      timeouts: { request, connect: 1000, idle: 10_000 },
    },
  );
  const pieces = (now: number, hash?: string) => [
    realServer('web', web.port),
    virtualServer(port, { rules: [shop] }),
    matrix(now, hash),
  ];
  const proxy = await startTestProxy({ workers, pieces: pieces(weight) });
  t.after(() => proxy.close());
  return { held, port, proxy, swap: (now: number) => proxy.configure(pieces(now, `matrix ${now}`)) };
}

const workOf = (serving: Serving) =>
  serving.counts().rows.find(({ id }) => id === 'matrix test/m shop')!.cells[0]!.work;

const SHOP = new Set(['matrix test/m shop']);

/** All that was taken since the start. */
function levelsOf(serving: Serving) {
  const all = noLevels();
  return async () => {
    for (const { row, server, levels } of await serving.takeLevels(SHOP)) {
      assert.deepEqual([row, server], ['matrix test/m shop', 'test/web']);
      for (const at of all.answers.keys()) {
        all.answers[at]! += levels.answers[at]!;
        all.seconds[at]! += levels.seconds[at]!;
      }
    }
    return all;
  };
}

const integral = ({ seconds }: LevelSums) => seconds.reduce((sum, each, level) => sum + each * inflightAt(level), 0);
const sum = (values: Float64Array) => values.reduce((total, each) => total + each, 0);

test('each answer is counted at the level that it ended, and the time at all levels is that of all requests', async (t) => {
  const { held, port, proxy } = await stage(t);
  const levels = levelsOf(proxy.serving);
  const answers = [ask(port, '/'), ask(port, '/'), ask(port, '/')];
  await until(() => held.length === 3, 'three requests did not come');
  for (const response of held) {
    response.end('done');
    await until(() => proxy.serving.counts().endpoints[0]!.active === held.length - 1 - held.indexOf(response), 'left');
  }
  await Promise.all(answers);
  await until(() => workOf(proxy.serving)?.answered === 3, 'not counted');
  assert.deepEqual(await proxy.serving.takeLevels(new Set()), [], 'other rows take nothing');
  const all = await levels();
  assert.deepEqual([...all.answers.subarray(0, 4)], [1, 1, 1, 0]);
  assert.ok([...all.seconds.subarray(0, 3)].every((each) => each > 0));
  // Both are sums over the same times, cut to whole microseconds.
  assert.ok(Math.abs(integral(all) - workOf(proxy.serving)!.seconds) < 1e-4, `${integral(all)}`);
  assert.deepEqual(await proxy.serving.takeLevels(SHOP), [], 'nothing came since');
});

test('over two workers no answer is lost, and a change of weights loses nothing either', async (t) => {
  const { held, port, proxy, swap } = await stage(t, { workers: 2 });
  const levels = levelsOf(proxy.serving);
  for (const round of [1, 2]) {
    held.length = 0;
    const answers = Array.from({ length: 12 }, () => ask(port, '/'));
    await until(() => held.length === 12, 'twelve requests did not come');
    await swap(1 + round);
    await levels();
    for (const response of held) response.end('done');
    await Promise.all(answers);
    await until(() => workOf(proxy.serving)?.answered === 12 * round, 'not counted');
    assert.equal(
      workOf(proxy.serving)!.times!.reduce((all, each) => all + each),
      12 * round,
      'by how long they took',
    );
  }
  const all = await levels();
  assert.equal(sum(all.answers), 24);
  assert.ok(all.seconds[11]! > 0, 'twelve were in flight');
});

test('a try that times out is no answer', async (t) => {
  const { port, proxy } = await stage(t, { request: 50 });
  assert.equal((await ask(port, '/')).status, 504);
  await until(() => workOf(proxy.serving)?.timeouts === 1, 'not counted');
  assert.equal(workOf(proxy.serving)!.answered, 0);
  const all = await levelsOf(proxy.serving)();
  assert.equal(sum(all.answers), 0);
  assert.ok(all.seconds[0]! > 0, 'it was in flight');
});

test('what no cell takes is counted for the row', async (t) => {
  const { port, proxy } = await stage(t, { weight: 0 });
  assert.equal((await ask(port, '/')).status, 503);
  await until(() => workOf(proxy.serving)?.shed === 1, 'not counted');
});
