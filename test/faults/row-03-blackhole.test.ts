/**
 * Row 3: packets to one of three servers vanish. Its backlog is full and its process stopped, so the kernel drops every
 * further SYN: what a firewall that drops looks like, without being one.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';

import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, load, LoadServer, post } from './load.ts';
import { startServe } from './serve.ts';

const LISTENER = `const s = require('node:net').createServer().listen(0, '127.0.0.1', 1, () => console.log(s.address().port));`;

/** A port where connecting neither succeeds nor fails; null where this kernel does not let one be made. */
async function blackhole(): Promise<{ port: number; close: () => void } | null> {
  const child: ChildProcess = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  const fillers: Socket[] = [];
  const close = () => {
    for (const socket of fillers) socket.destroy();
    child.kill('SIGKILL');
  };
  for (let index = 0; index < 16; index++) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    fillers.push(socket);
    const connected = await Promise.race([once(socket, 'connect').then(() => true), sleep(300).then(() => false)]);
    if (!connected) return { port, close };
  }
  close();
  return null;
}

test('3. packets to one of three servers vanish', { timeout: FULL ? 300_000 : 60_000 }, async (t) => {
  const hole = await blackhole();
  if (hole === null) {
    t.skip('this kernel accepts whatever the backlog');
    return;
  }
  const origins = [await LoadServer.start(), await LoadServer.start()];
  const servers = [...origins.map(({ port }) => ({ port })), { port: hole.port }];
  const rule = { timeouts: { connect: '1s' }, retry: { attempts: 2, on: ['ConnectFailure'] } };
  const served = await startServe({ servers, rule });
  t.after(async () => {
    await served.stop();
    hole.close();
    await Promise.all(origins.map((origin) => origin.close()));
  });
  const requests = count(3000, 50_000);
  const where = { address: served.address, port: served.port, connections: 32 };
  const outcome = await load({ ...where, requests, make: (i) => (i % 2 === 0 ? get(`/${i}`) : post(`/${i}`)) });
  const slow = outcome.milliseconds.filter((value) => value > 500).length;
  report(3, 'packets to one of three servers vanish', {
    requests,
    statuses: outcome.statuses,
    errors: outcome.errors.length,
    milliseconds: percentiles(outcome.milliseconds),
    slowerThan500Ms: slow,
  });
  assert.deepEqual(outcome.errors, []);
  assert.equal(outcome.statuses[200], requests, JSON.stringify(outcome.statuses));
  assert.ok(
    Math.max(...outcome.milliseconds) <= (FULL ? 2500 : 6000),
    'longer than the timeout of a connect and a retry',
  );
  // Only until it is left out: a share of a third for the whole time would be a thousand.
  assert.ok(slow <= 5 * 32, `${slow} requests waited for it`);
});
