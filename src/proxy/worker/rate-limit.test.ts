/** Rate limits of rules and virtual servers, as clients meet them; the counting itself: rate.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test, type TestContext } from 'node:test';

import type { RateLimit, Rule } from '../../model/snapshot.ts';
import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';

/** So slow that none comes back while a test runs. */
const hourly = (burst: number): RateLimit => ({ requests: 1, per: 3_600_000, burst });

async function stage(t: TestContext, rules: readonly Rule[], rateLimit: RateLimit | null = null) {
  const web = await origin('web');
  const port = await freePort();
  const pieces = (limit: RateLimit | null) => [
    realServer('web', web.port),
    virtualServer(port, { rules, rateLimit: limit }),
  ];
  const proxy = await startTestProxy({ workers: 2, pieces: pieces(rateLimit) });
  t.after(async () => {
    await proxy.close();
    web.close();
  });
  return { port, proxy, web, limit: (limit: RateLimit | null) => proxy.configure(pieces(limit)) };
}

async function statuses(port: number, path: string, times: number): Promise<string> {
  const all: number[] = [];
  for (let each = 0; each < times; each++) all.push((await ask(port, path)).status);
  return all.join(' ');
}

test('a rule takes what its limit allows, over all workers; others are not concerned', async (t) => {
  const { port, proxy, web } = await stage(t, [
    rule('few', to('web'), { path: { type: 'Prefix', value: '/few' } }, { rateLimit: hourly(3) }),
    rule('all', to('web')),
  ]);
  assert.equal(await statuses(port, '/few', 5), '200 200 200 429 429');
  assert.equal(await statuses(port, '/', 5), '200 200 200 200 200');
  assert.equal(web.requests.length, 8);
  const refused = await ask(port, '/few');
  assert.match(refused.body, /rate_limited/);
  assert.ok(Number(refused.headers['retry-after']) > 3000, `Retry-After: ${refused.headers['retry-after']}`);
  await until(() => proxy.serving.totals().limits.rate === 3, 'not counted as a limit');
  await until(() => proxy.serving.totals().reasons['rate_limited'] === 3, 'not counted by reason');
  const few = proxy.serving.totals().rules.find((each) => each.rule === 'few');
  assert.equal(few?.classes[4], 3, 'an answer of the rule');
});

test('a virtual server has a limit of all its requests, and keeps its count over changes', async (t) => {
  const rules = [rule('a', to('web'), { path: { type: 'Prefix', value: '/a' } }), rule('b', to('web'))];
  const { port, limit } = await stage(t, rules, hourly(4));
  assert.equal(await statuses(port, '/a', 2), '200 200');
  assert.equal(await statuses(port, '/b', 3), '200 200 429');
  await limit(hourly(6));
  assert.equal(await statuses(port, '/a', 3), '200 200 429');
  await limit(null);
  assert.equal(await statuses(port, '/a', 2), '200 200');
});

test('the connection goes on after 429, and a body that is refused is not taken for a request', async (t) => {
  const { port, proxy } = await stage(t, [rule('all', to('web'), {}, { rateLimit: hourly(1) })]);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const answers = [];
  for (let each = 0; each < 3; each++) answers.push(await ask(port, '/', { agent, method: 'POST', body: 'GET / x' }));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 429, 429],
  );
  assert.equal((await ask(port, '/', { agent })).status, 429);
  await until(() => proxy.serving.totals().connectionsAccepted === 1, 'more than one connection');
});

test('proxies divide a limit among them', async (t) => {
  const { port, proxy } = await stage(t, [rule('all', to('web'), {}, { rateLimit: hourly(6) })]);
  proxy.serving.setReplicas(3);
  assert.equal(await statuses(port, '/', 3), '200 200 429');
});

test('connections of TCP over the limit are reset', async (t) => {
  const server = net.createServer((socket) => socket.on('error', () => {}).end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = await freePort();
  const proxy = await startTestProxy({
    pieces: [
      realServer('s', (server.address() as net.AddressInfo).port),
      virtualServer(port, { protocol: 'TCP', scheduler: 'wlc', servers: to('s'), rateLimit: hourly(1) }),
    ],
  });
  t.after(async () => {
    await proxy.close();
    server.close();
  });
  const first = net.connect(port, '127.0.0.1');
  assert.equal(String((await once(first, 'data'))[0]), 'hello');
  const [error] = (await once(net.connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  await until(() => proxy.serving.totals().reasons['rate_limited'] === 1, 'not counted');
});
