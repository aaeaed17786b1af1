import assert from 'node:assert/strict';
import net from 'node:net';
import { test, type TestContext } from 'node:test';

import type { Piece } from '../../model/snapshot.ts';
import { localListeners } from '../supervisor/local-listeners.ts';
import {
  askOnce,
  Client,
  echoWorker,
  freePort,
  listener,
  matrix,
  quiet,
  realServer,
  rule,
  settings,
  snapshotOf,
  until,
  virtualServer,
} from './fixture/support.ts';
import { startServing, type ServingOptions } from './serving.ts';

/** On a machine that is busy, a worker that is well may be silent for a while; the default is used where that is the test. */
const patient = { late: 20_000, stalled: 20_000 };
const impatient = { late: 500, stalled: 2000 };

const start = async (t: TestContext, more: Partial<ServingOptions> = {}) => {
  const serving = await startServing({
    workers: 2,
    settings,
    listeners: localListeners(),
    log: quiet,
    workerUrl: echoWorker,
    patience: patient,
    ...more,
  });
  t.after(() => serving.close());
  return serving;
};

const clients = async (t: TestContext, port: number, count: number) => {
  const all = await Promise.all(Array.from({ length: count }, () => Client.connect(port)));
  t.after(() => all.forEach((client) => client.end()));
  return all;
};

/** A port with one virtual server. */
const onPort = async (t: TestContext, more: Partial<ServingOptions> = {}, ...pieces: Piece[]) => {
  const serving = await start(t, more);
  const port = await freePort();
  await serving.configure(snapshotOf(virtualServer('d/v', { listeners: [listener(port)] }), ...pieces));
  return { serving, port };
};

const onPorts = (...ports: number[]) =>
  snapshotOf(virtualServer('d/v', { listeners: ports.map((port) => listener(port)) }));

test('is ready after the first snapshot', async (t) => {
  const serving = await start(t);
  assert.equal(serving.ready, false);
  const programmed = await serving.configure(snapshotOf());
  assert.equal(serving.ready, true);
  assert.match(programmed.snapshot, /^snapshot/);
  assert.deepEqual(programmed.listeners, []);
});

test('a change is rehearsed once, when the first snapshot is in force and nobody is served yet', async (t) => {
  const port = await freePort();
  const events: string[] = [];
  const log = {
    ...quiet,
    info: (_: object, message?: string) => void (message === 'listening' && events.push(message)),
  };
  const serving = await start(t, { log, rehearse: () => events.push('rehearsed') });
  await serving.configure(onPorts(port));
  await serving.configure(snapshotOf());
  await serving.configure(onPorts(port));
  assert.deepEqual(events, ['rehearsed', 'listening', 'listening']);
});

test('rejects where no worker comes up', async () => {
  const workerUrl = new URL('data:text/javascript,throw new Error("broken")');
  await assert.rejects(
    startServing({ workers: 2, settings, listeners: localListeners(), log: quiet, workerUrl }),
    /no worker came up/,
  );
});

test('connections are balanced over the workers', async (t) => {
  const { port, serving } = await onPort(t);
  const all = await clients(t, port, 40);
  const answers = await Promise.all(all.map((client) => client.ask('who')));
  const first = answers.filter((answer) => answer!.startsWith('0 ')).length;
  assert.equal(first, 20);
  assert.equal(serving.totals().connectionsActive, 40);
});

test('new connections go where fewer are', async (t) => {
  const { port } = await onPort(t);
  const all = await clients(t, port, 20);
  const answers = await Promise.all(all.map((client) => client.ask('who')));
  const closing = all.filter((_, index) => answers[index]!.startsWith('1 '));
  for (const client of closing) client.end();
  await until(async () => {
    const [next] = await clients(t, port, 1);
    return (await next!.ask('who'))!.startsWith('1 ');
  });
});

test('a worker that throws is replaced while the others serve', async (t) => {
  const { port, serving } = await onPort(t);
  const [a, b] = await clients(t, port, 2);
  const other = await b!.ask('who');
  await a!.ask('hold 7');
  assert.equal(await a!.ask('throw'), null);
  assert.equal(await b!.ask('who'), other, 'the other worker did not notice');
  await until(() => serving.totals().workers.some(({ restarts, alive }) => restarts === 1 && alive));
  assert.equal(serving.totals().workers.filter(({ restarts }) => restarts === 0).length, 1);
  const answers = await Promise.all((await clients(t, port, 9)).map((client) => client.ask('who')));
  assert.equal(new Set(answers).size, 2, 'both serve again');
  assert.equal(serving.totals().connectionsActive, 10);
});

test('a worker that exceeds its memory is replaced', async (t) => {
  const { port, serving } = await onPort(t, { resourceLimits: { maxOldGenerationSizeMb: 24 } });
  const [a, b] = await clients(t, port, 2);
  assert.equal(await a!.ask('eat'), null);
  assert.notEqual(await b!.ask('who'), null);
  await until(() => serving.totals().workers.some(({ restarts, alive }) => restarts === 1 && alive));
});

test('a stalled worker is avoided, then replaced; what it had in flight is taken off', async (t) => {
  const endpoints = realServer('d/h', [['127.0.0.1', 9]]);
  const servers = virtualServer('d/w', { servers: [{ server: 'd/h', weight: 1 }] });
  const { port, serving } = await onPort(t, { patience: impatient }, servers, endpoints);
  const [a, b] = await clients(t, port, 2);
  await a!.ask('hold 0');
  await b!.ask('hold 0');
  assert.equal(serving.counts().endpoints[0]!.active, 2);
  const heard = await b!.ask('who');
  let replaced = false;
  const gone = a!.ask('stall').finally(() => (replaced = true));
  // Late by half a second: from then on, nothing goes there, though fewer connections are there.
  await new Promise((resolve) => {
    setTimeout(resolve, 800);
  });
  for (const client of await clients(t, port, 6)) {
    const answer = await client.ask('who');
    if (!replaced) assert.equal(answer, heard);
  }
  // Waits for who is alive; who stalls is replaced meanwhile, and does not block.
  const moved = virtualServer('d/w', { servers: [{ server: 'd/h', weight: 2 }] });
  const vs = virtualServer('d/v', { listeners: [listener(port)] });
  assert.equal((await serving.configure(snapshotOf(vs, moved, endpoints))).listeners[0]!.error, null);
  assert.equal(await gone, null);
  await until(() => serving.totals().workers.some(({ restarts, alive }) => restarts === 1 && alive));
  assert.equal(serving.counts().endpoints[0]!.active, 1);
});

test('a worker that moves bytes is not taken for stalled, however long its turn is; one whose turn never ends is', async (t) => {
  const { port, serving } = await onPort(t, { patience: { late: 500, stalled: 1000 } });
  const [client] = await clients(t, port, 1);
  assert.equal(await client!.ask('busy 3000'), 'was busy');
  assert.deepEqual(
    serving.totals().workers.map(({ restarts }) => restarts),
    [0, 0],
  );
  assert.equal(await client!.ask('busy 60000'), null);
  await until(() => serving.totals().workers.some(({ restarts }) => restarts === 1));
});

test('connections wait while the only worker is replaced', async (t) => {
  const { port, serving } = await onPort(t, { workers: 1 });
  assert.equal(await askOnce(port, 'throw'), null);
  await until(() => serving.totals().workers.some(({ restarts, alive }) => restarts === 1 || !alive));
  const answers = await Promise.all(Array.from({ length: 10 }, () => askOnce(port, 'who')));
  assert.ok(answers.every((answer) => answer?.startsWith('0 ')));
});

test('listeners come and go at run time, connections stay', async (t) => {
  const serving = await start(t);
  const [one, two] = [await freePort(), await freePort()];
  await serving.configure(onPorts(one));
  const [old] = await clients(t, one, 1);
  assert.equal(await old!.ask('where'), `127.0.0.1 ${one}`);
  const programmed = await serving.configure(onPorts(two));
  assert.deepEqual(programmed.listeners, [{ address: '127.0.0.1', port: two, error: null }]);
  await assert.rejects(Client.connect(one), { code: 'ECONNREFUSED' });
  assert.equal(await askOnce(two, 'where'), `127.0.0.1 ${two}`);
  assert.equal(await old!.ask('where'), `127.0.0.1 ${one}`);
});

test('a port that is taken is told, and served once it is free', async (t) => {
  const serving = await start(t);
  const taken = net.createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve);
  });
  const { port } = taken.address() as net.AddressInfo;
  const free = await freePort();
  const listeners = [listener(port), listener(free)];
  const programmed = await serving.configure(snapshotOf(virtualServer('d/v', { listeners })));
  assert.match(programmed.listeners[0]!.error!, new RegExp(`127\\.0\\.0\\.1 port ${port}: .*use`));
  assert.equal(programmed.listeners[1]!.error, null);
  assert.match((await askOnce(free, 'who'))!, /^\d/);
  await new Promise((resolve) => {
    taken.close(resolve);
  });
  await until(() => askOnce(port, 'where').then(Boolean, () => false));
});

test('above the connection limit: closed and counted, and it recovers', async (t) => {
  const { port, serving } = await onPort(t, { maxConnections: 4 });
  const all = await clients(t, port, 4);
  await Promise.all(all.map((client) => client.ask('who')));
  assert.equal(await askOnce(port, 'who'), null);
  assert.ok(serving.totals().limits.descriptors >= 1);
  assert.notEqual(await all[0]!.ask('who'), null);
  all[0]!.end();
  await until(async () => (await askOnce(port, 'who')) !== null);
});

const three = ['h1', 'h2', 'h3'].map((name, index) => realServer(name, [[`127.0.0.${index + 1}`, 9]]));
const app = virtualServer('d/app', { rules: [rule('a', { kind: 'App', matrix: 'd/m', app: 'a' })] });
const ROW = 'matrix d/m a';

test('shares are exact over all workers, and counts are carried over epochs', async (t) => {
  const { port, serving } = await onPort(t);
  const vs = virtualServer('d/v', { listeners: [listener(port)] });
  await serving.configure(snapshotOf(vs, app, ...three, matrix('d/m', ['a'], { h1: [5], h2: [3], h3: [2] })));
  const all = await clients(t, port, 10);
  const chooseAll = (times: number) =>
    Promise.all(
      all.flatMap((client) => Array.from({ length: times }, () => client.ask(`choose ${ROW.replaceAll(' ', '+')}`))),
    );
  const row = () => serving.counts().rows.find(({ id }) => id === ROW)!;
  await chooseAll(10);
  assert.deepEqual(
    row().cells.map((cell) => cell.epochRequests),
    [50, 30, 20],
  );
  assert.deepEqual(
    row().cells.map((cell) => cell.delivered),
    [0.5, 0.3, 0.2],
  );
  await serving.configure(snapshotOf(vs, app, ...three, matrix('d/m', ['a'], { h1: [1], h2: [1], h3: [0] })));
  assert.equal(row().epoch, 2);
  await chooseAll(2);
  assert.deepEqual(
    row().cells.map((cell) => [cell.epochRequests, cell.requests]),
    [
      [10, 60],
      [10, 40],
      [0, 20],
    ],
  );
});

test('a refused endpoint is ejected by a new epoch and comes back by a probe', async (t) => {
  const problems = new Map([['127.0.0.2', 'refused']]);
  const probe = async ({ address }: { address: string }) => problems.get(address) ?? null;
  const { port, serving } = await onPort(t, { probe });
  const vs = virtualServer('d/v', { listeners: [listener(port)] });
  await serving.configure(snapshotOf(vs, app, ...three, matrix('d/m', ['a'], { h1: [1], h2: [1], h3: [1] })));
  const row = () => serving.counts().rows.find(({ id }) => id === ROW)!;
  const available = () => row().cells.map((cell) => cell.available);
  await askOnce(port, 'suspect 1 refused');
  await until(() => row().epoch === 2);
  assert.deepEqual(available(), [true, false, true]);
  assert.deepEqual(
    row().cells.map((cell) => cell.askedAvailable),
    [0.5, 0, 0.5],
  );
  assert.deepEqual(serving.counts().endpoints[1]!.down, ['ejected']);
  // Half of three is one: the second one stays, and its bit is cleared again.
  await askOnce(port, 'suspect 2 refused');
  await until(() => serving.counts().endpoints[2]!.down.length === 0);
  assert.deepEqual(available(), [true, false, true]);
  problems.clear();
  await until(() => available().every(Boolean));
  assert.deepEqual(serving.counts().endpoints[1]!.down, []);
});

test('five failures in a row eject, an answer between them does not', async (t) => {
  const { port, serving } = await onPort(t, { probe: async () => 'down' });
  const vs = virtualServer('d/v', { listeners: [listener(port)] });
  await serving.configure(snapshotOf(vs, app, ...three, matrix('d/m', ['a'], { h1: [1], h2: [1], h3: [1] })));
  const [client] = await clients(t, port, 1);
  for (let i = 0; i < 4; i++) await client!.ask('suspect 0 reset');
  assert.equal(serving.counts().rows.find(({ id }) => id === ROW)!.epoch, 1);
  await client!.ask('suspect 0 timeout');
  await until(() => serving.counts().endpoints[0]!.down.includes('ejected'));
});

test('of calls that wait, the last one wins and answers all', async (t) => {
  const serving = await start(t);
  const snapshots = [snapshotOf(), snapshotOf(), snapshotOf()];
  const answers = await Promise.all(snapshots.map((snapshot) => serving.configure(snapshot)));
  assert.deepEqual(
    answers.map(({ snapshot }) => snapshot),
    [snapshots[0]!.id, snapshots[2]!.id, snapshots[2]!.id],
  );
});

test('draining lets what runs finish and stops accepting', async (t) => {
  const { port, serving } = await onPort(t);
  const [client] = await clients(t, port, 1);
  const slow = client!.ask('slow');
  await until(() => serving.totals().connectionsActive === 1);
  const drained = serving.drain(10_000);
  assert.equal(serving.ready, false);
  await until(() =>
    Client.connect(port).then(
      (late) => {
        late.end();
        return false;
      },
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
    ),
  );
  assert.equal(await slow, 'slow');
  await drained;
  assert.equal(serving.totals().connectionsActive, 0);
});

test('while draining it goes on accepting as long as asked, also by workers that are replaced', async (t) => {
  const { port, serving } = await onPort(t, { workers: 1 });
  const drained = serving.drain(30_000, 2000);
  await until(async () => (await askOnce(port, 'draining')) === 'true');
  assert.equal(await askOnce(port, 'throw'), null);
  await until(() => serving.totals().workers.some(({ restarts, alive }) => restarts === 1 && alive));
  assert.equal(await askOnce(port, 'draining'), 'true');
  await drained;
  await assert.rejects(Client.connect(port), { code: 'ECONNREFUSED' });
});

test('limits that were reached, in a worker or here, are logged with how often', async (t) => {
  const lines: object[] = [];
  const log = { ...quiet, warn: (fields: object, message: string) => lines.push({ ...fields, message }) };
  const serving = await startServing({ workers: 1, settings, listeners: localListeners(), log, maxConnections: 1 });
  t.after(() => serving.close());
  const port = await freePort();
  await serving.configure(snapshotOf(virtualServer('d/v', { listeners: [listener(port)] })));
  const [first] = await clients(t, port, 1);
  for (let each = 0; each < 3; each++) assert.equal(await askOnce(port, 'who'), null);
  assert.match((await first!.ask(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)) ?? '', /431/);
  await serving.close();
  const sums: Record<string, number> = {};
  for (const line of lines as { limit?: string; hits: number; message: string }[]) {
    if (line.message === 'limit reached') sums[line.limit ?? ''] = (sums[line.limit ?? ''] ?? 0) + line.hits;
  }
  assert.deepEqual(sums, { header_bytes: 1, descriptors: 3 });
});
