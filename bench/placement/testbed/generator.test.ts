/** Clients that wait for so long and no longer, whatever becomes of the others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import type { Arrivals } from '../../../src/simulation/arrivals.ts';
import { generate } from './generator.ts';
import { runOf } from './run-result.ts';

const NAMES = ['answers', 'refuses', 'breaks', 'hangs', 'stutters'];

test('each request becomes what its server makes of it', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const [, name] = (request.url ?? '').split('/');
    if (name === 'answers') response.end('done');
    if (name === 'refuses') response.writeHead(503).end();
    if (name === 'breaks') request.socket.destroy();
    if (name === 'stutters') response.writeHead(200, { 'Content-Length': 9 }).write('begun');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // The first of each comes while nothing counts yet.
  const arrivals: Arrivals = {
    count: 10,
    resourceCount: 1,
    time: Float64Array.from({ length: 10 }, (_, i) => (i < 5 ? 0 : 0.02)),
    column: Int32Array.from({ length: 10 }, (_, i) => i % 5),
    work: Float64Array.from({ length: 10 }, (_, i) => 1 + i / 4),
  };
  const answers = await generate(arrivals, NAMES, { address: '127.0.0.1', port, timeout: 5 });
  server.closeAllConnections();
  server.close();
  assert.deepEqual([...answers.status], [200, 503, -1, 0, 0, 200, 503, -1, 0, 0]);
  assert.deepEqual(
    Array.from(answers.seconds, (seconds) => Number.isNaN(seconds)),
    [false, true, true, true, true, false, true, true, true, true],
  );
  assert.equal(asked.includes('/breaks/?size=2.750'), true, asked.join(' '));
  const run = runOf(arrivals, NAMES.length, answers, 0.01, 2);
  const parts = { offered: 5, replied: 0.2, refused: 0.2, timedOut: 0.4, broken: 0.2, worst: 0, died: 2 };
  assert.deepEqual({ ...run, ...parts }, run);
});
