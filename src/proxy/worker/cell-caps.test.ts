/** Caps of the matrix: how many requests of an app a server gets at once. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test, type TestContext } from 'node:test';

import type { Destination, MatrixPiece, QueueLimits } from '../../model/snapshot.ts';
import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';

type Cells = Readonly<Record<string, readonly Destination[]>>;

interface Scene {
  readonly workers?: number;
  readonly queue?: QueueLimits;
}

/** Servers that answer when they are told to, and apps `/a` and `/b` with these cells. */
async function stage(t: TestContext, cells: Cells, { workers = 1, queue }: Scene = {}) {
  const held: { server: string; url: string; answer: () => void }[] = [];
  const server = (name: string) =>
    origin(name, (request, response) => {
      held.push({ server: name, url: request.url!, answer: () => response.end(`${name} done`) });
    });
  const [web1, web2] = [await server('web1'), await server('web2')];
  const port = await freePort();
  let version = 0;
  const pieces = (now: Cells) => {
    const columns = Object.entries(now).map(([app, own]) => ({ app, service: null, cells: own }));
    const matrix: MatrixPiece = { kind: 'Matrix', key: 'test/m', hash: `matrix ${++version}`, columns };
    const rules = Object.keys(now).map((app) => ({
      ...rule(app, [], { path: { type: 'Prefix', value: `/${app}` } }),
      destinations: { kind: 'App', matrix: 'test/m', app } as const,
    }));
    return [
      realServer('web1', web1.port),
      realServer('web2', web2.port),
      matrix,
      virtualServer(port, { rules, ...(queue === undefined ? {} : { queue }) }),
    ];
  };
  const proxy = await startTestProxy({ workers, pieces: pieces(cells) });
  t.after(async () => {
    await proxy.close();
    web1.close();
    web2.close();
  });
  /** In flight; @returns the server that has it */
  const sent = async (path: string) => {
    const before = held.length;
    ask(port, path).catch(() => undefined);
    await until(() => held.length === before + 1, `${path} did not arrive`);
    return held.at(-1)!.server;
  };
  const cellOf = (app: string, name = 'web1') =>
    proxy.serving
      .counts()
      .rows.find(({ id }) => id === `matrix test/m ${app}`)!
      .cells.find((cell) => cell.server === `test/${name}`)!;
  return { port, serving: proxy.serving, held, sent, cellOf, swap: (now: Cells) => proxy.configure(pieces(now)) };
}

const on = (name: string, cap?: number, weight = 1): Destination => ({
  server: `test/${name}`,
  weight,
  ...(cap === undefined ? {} : { cap }),
});

test('an app at its cap goes elsewhere, and what others have there is their own', async (t) => {
  const cells = { a: [on('web1', 2), on('web2')], b: [on('web1')] };
  const { sent, held, cellOf, serving } = await stage(t, cells, { workers: 2 });
  const servers = [];
  for (let each = 0; each < 6; each++) servers.push(await sent('/a'));
  assert.deepEqual(servers.toSorted(), ['web1', 'web1', 'web2', 'web2', 'web2', 'web2']);
  assert.equal(await sent('/b'), 'web1');
  assert.deepEqual([cellOf('a').cap, cellOf('a').inFlight], [2, 2]);
  assert.equal(cellOf('b').cap, undefined);
  held.find(({ server, url }) => server === 'web1' && url === '/a')!.answer();
  await until(() => cellOf('a').inFlight === 1, 'it did not leave');
  const more = [await sent('/a'), await sent('/a')];
  assert.ok(more.includes('web1'), 'there is room again');
  assert.equal(cellOf('a').inFlight, 2);
  for (const { answer } of held) answer();
  await until(() => cellOf('a').inFlight === 0, 'they did not leave');
  assert.equal(serving.totals().limits.requests_per_cell, 0);
});

test('where there is no other server: 503 at_capacity, or the queue', async (t) => {
  const refusing = await stage(t, { a: [on('web1', 1)], b: [on('web1')] });
  await refusing.sent('/a');
  assert.match((await ask(refusing.port, '/a')).body, /503 .*at_capacity/);
  assert.equal(await refusing.sent('/b'), 'web1');
  assert.equal(refusing.serving.totals().limits.requests_per_cell, 1);

  const waiting = await stage(t, { a: [on('web1', 1)], b: [on('web1')] }, { queue: { requests: 9, timeout: 60_000 } });
  await waiting.sent('/a');
  const second = ask(waiting.port, '/a');
  await until(() => waiting.serving.totals().queue.waiting === 1, 'it does not wait');
  assert.equal(await waiting.sent('/b'), 'web1', 'b does not wait behind a');
  waiting.held[0]!.answer();
  await until(() => waiting.held.length === 3, 'it was not let in');
  waiting.held[2]!.answer();
  assert.equal((await second).status, 200);
});

test('what is in flight counts on when weights and caps change, and a cap may go', async (t) => {
  const { port, sent, cellOf, held, swap } = await stage(t, { a: [on('web1', 2)] });
  await sent('/a');
  await sent('/a');
  await swap({ a: [on('web1', 2, 5), on('web2', 1, 0)] });
  assert.equal((await ask(port, '/a')).status, 503, 'another epoch');
  await swap({ a: [on('web1', 3, 5)] });
  await sent('/a');
  assert.equal(cellOf('a').inFlight, 3);
  await swap({ a: [on('web1')] });
  await sent('/a');
  for (const { answer } of held) answer();
  await until(() => cellOf('a').work?.answered === 4, 'not answered');
  await swap({ a: [on('web1', 1)] });
  assert.equal(await sent('/a'), 'web1', 'nothing is left of what was');
});

test('it is divided among the proxies; who leaves makes room', async (t) => {
  const { port, serving, sent, cellOf } = await stage(t, { a: [on('web1', 3)] });
  serving.setReplicas(2);
  await sent('/a');
  const leaves = net.connect(port, '127.0.0.1').on('error', () => {});
  leaves.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => cellOf('a').inFlight === 2, 'it did not come');
  assert.equal((await ask(port, '/a')).status, 503);
  leaves.resetAndDestroy();
  await until(() => cellOf('a').inFlight === 1, 'it did not leave');
  await sent('/a');
  serving.setReplicas(1);
  await sent('/a');
  assert.equal((await ask(port, '/a')).status, 503);
});
