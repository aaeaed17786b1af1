import assert from 'node:assert/strict';
import { test } from 'node:test';

import { askOnce, Client, freePort } from '../main/fixture/support.ts';
import { start, Supervised } from './fixture/supervised.ts';

test('after kill -9 of the serving process connections wait in the backlog and are answered', async (t) => {
  const port = await freePort();
  const supervised = await start(t, String(port));
  const { pid } = await supervised.said('up');
  const before = await Client.connect(port);
  assert.match((await before.ask('who'))!, /^\d/);
  process.kill(pid!, 'SIGKILL');
  await supervised.said('serving process died and is started again');
  assert.equal(await before.ask('who'), null);
  const answers = await Promise.all(Array.from({ length: 20 }, () => askOnce(port, 'who')));
  assert.ok(answers.every((answer) => answer !== null));
  assert.notEqual((await supervised.said('up', 2)).pid, pid);
});

test('a hot restart refuses and loses nothing', async (t) => {
  const port = await freePort();
  const supervised = await start(t, String(port));
  const { pid } = await supervised.said('up');
  const old = await Client.connect(port);
  assert.match((await old.ask('who'))!, /^\d/);
  const stop = new AbortController();
  const lost: unknown[] = [];
  let asked = 0;
  const load = async () => {
    while (!stop.signal.aborted) {
      asked++;
      const answer = await askOnce(port, 'who').catch((error: unknown) => error);
      if (typeof answer !== 'string') lost.push(answer);
    }
  };
  const loads = [load(), load(), load()];
  supervised.process.kill('SIGUSR2');
  assert.notEqual((await supervised.said('up', 2)).pid, pid);
  await supervised.said('drain');
  assert.match((await old.ask('who'))!, /^\d/, 'the old process finishes what it has');
  old.end();
  await supervised.said('old serving process ended');
  stop.abort();
  await Promise.all(loads);
  assert.deepEqual(lost, []);
  assert.ok(asked > 10);
  assert.match((await askOnce(port, 'who'))!, /^\d/);
});

test('a hot restart that is asked for while a serving process starts comes when that is ready', async (t) => {
  const port = await freePort();
  const supervised = new Supervised(t, [String(port)]);
  await supervised.said('started');
  supervised.process.kill('SIGUSR2');
  supervised.process.kill('SIGUSR2');
  const { pid } = await supervised.said('up');
  assert.notEqual((await supervised.said('up', 2)).pid, pid);
  await supervised.said('old serving process ended');
  supervised.process.kill('SIGUSR2');
  await supervised.said('hot restart', 2);
  supervised.process.kill('SIGUSR2');
  await supervised.said('up', 4);
  await supervised.said('old serving process ended', 3);
  assert.equal(supervised.lines.filter(({ message }) => message === 'hot restart').length, 3);
  assert.match((await askOnce(port, 'who'))!, /^\d/);
});

test('SIGHUP is passed on; SIGTERM drains, and the exit code is that of the serving process', async (t) => {
  const port = await freePort();
  const supervised = await start(t, String(port));
  supervised.process.kill('SIGHUP');
  await supervised.said('reload');
  const client = await Client.connect(port);
  const slow = client.ask('slow');
  // The worker has it once a second connection, accepted later, is answered.
  await askOnce(port, 'who');
  supervised.process.kill('SIGTERM');
  assert.equal(await slow, 'slow');
  assert.equal(await supervised.ended(), 0);
  await assert.rejects(Client.connect(port), { code: 'ECONNREFUSED' });
});

test('a serving process that ends before it was ever ready is not started again', async (t) => {
  const supervised = new Supervised(t, ['fail']);
  assert.equal(await supervised.ended(), 64);
  assert.equal(supervised.lines.filter(({ message }) => message === 'up').length, 0);
});

test('if the supervisor dies, the serving process drains and ends', async (t) => {
  const port = await freePort();
  const supervised = await start(t, String(port));
  const { pid } = await supervised.said('up');
  supervised.process.kill('SIGKILL');
  await supervised.said('drain');
  for (;;) {
    try {
      process.kill(pid!, 0);
    } catch {
      break;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  await assert.rejects(Client.connect(port), { code: 'ECONNREFUSED' });
});

test('with few descriptors: what is over is closed, the rest is served, and it recovers', async (t) => {
  const port = await freePort();
  const wrapper = ['/bin/sh', '-c', 'ulimit -n 200; exec "$@"', 'sh'];
  const supervised = new Supervised(t, [String(port)], [], wrapper);
  const { pid } = await supervised.said('up');
  // (200 - 100) / 2
  const clients = await Promise.all(Array.from({ length: 120 }, () => Client.connect(port)));
  t.after(() => clients.forEach((client) => client.end()));
  const answers = await Promise.all(clients.map((client) => client.ask('who')));
  const served = answers.filter((answer) => answer !== null).length;
  assert.equal(served, 50);
  await supervised.said('connection closed: no descriptors left for it');
  for (const client of clients) client.end();
  for (;;) if ((await askOnce(port, 'who')) !== null) break;
  assert.equal(supervised.lines.filter(({ message }) => message === 'up').length, 1, 'nothing died');
  assert.equal((await supervised.said('up')).pid, pid);
});
