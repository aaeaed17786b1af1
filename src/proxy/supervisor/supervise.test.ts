import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { askOnce, Client, freePort } from '../main/fixture/support.ts';

interface Line {
  readonly message: string;
  readonly pid?: number;
  readonly listeners?: readonly { readonly error: string | null }[];
  readonly sockets?: readonly string[];
}

class Supervised {
  readonly process: ChildProcess;
  readonly lines: Line[] = [];
  readonly #wake = new Set<() => void>();

  constructor(
    t: TestContext,
    args: readonly string[],
    inherited: readonly number[] = [],
    command: readonly string[] = [],
  ) {
    const script = fileURLToPath(new URL('fixture/supervisor.ts', import.meta.url));
    const [program, ...rest] = [...command, process.execPath, script, ...args];
    this.process = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit', ...inherited] });
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line);
      for (const wake of this.#wake) wake();
    });
    t.after(async () => {
      if (this.process.exitCode !== null || this.process.signalCode !== null) return;
      // Twice asked, it ends its child and itself at once.
      this.process.kill('SIGTERM');
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    });
  }

  /** The nth line with this message, now or later. */
  async said(message: string, nth = 1): Promise<Line> {
    for (;;) {
      const found = this.lines.filter((line) => line.message === message)[nth - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#wake.delete(wake);
          resolve();
        };
        this.#wake.add(wake);
      });
    }
  }

  async ended(): Promise<number | null> {
    if (this.process.exitCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }
}

const start = async (t: TestContext, ...args: string[]) => {
  const supervised = new Supervised(t, args);
  await supervised.said('serving process is ready');
  return supervised;
};

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
  await supervised.said('old serving process ended');
  stop.abort();
  await Promise.all(loads);
  assert.deepEqual(lost, []);
  assert.ok(asked > 10);
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

test('a port that is taken is told by the supervisor', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const supervised = await start(t, String(port));
  const { listeners } = await supervised.said('up');
  assert.equal(listeners![0]!.error, `cannot bind 127.0.0.1 port ${port}: another process uses it (EADDRINUSE)`);
});

test('a Unix socket has mode 0600, outlives the serving process, and goes with the supervisor', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tcpvs-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'admin.sock');
  const supervised = await start(t, file);
  const ask = () =>
    new Promise<string>((resolve, reject) => {
      const socket = net.connect(file);
      socket.setEncoding('latin1');
      socket.on('data', (data: string) => resolve(data.trim()));
      socket.on('error', reject);
    });
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const { pid } = await supervised.said('up');
  assert.equal(await ask(), String(pid));
  process.kill(pid!, 'SIGKILL');
  assert.equal(await ask(), String((await supervised.said('up', 2)).pid));
  supervised.process.kill('SIGTERM');
  await supervised.ended();
  assert.equal(fs.existsSync(file), false);
});

test('sockets of LISTEN_FDS are used where their address is asked for', async (t) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const { _handle: handle } = server as unknown as { _handle: { fd: number } };
  const wrapper = ['/bin/sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh'];
  const supervised = new Supervised(t, [String(port)], [handle.fd], wrapper);
  // Ours would take connections of its own.
  server.close();
  assert.deepEqual((await supervised.said('sockets inherited')).sockets, [`127.0.0.1 ${port}`]);
  assert.equal((await supervised.said('up')).listeners![0]!.error, null);
  assert.match((await askOnce(port, 'who'))!, /^\d/);
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

test('an inherited Unix socket is known by its path', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tcpvs-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'admin.sock');
  const server = net.createServer().listen(file);
  await once(server, 'listening');
  t.after(() => server.close());
  const { _handle: handle } = server as unknown as { _handle: { fd: number } };
  const wrapper = ['/bin/sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh'];
  const supervised = new Supervised(t, [file], [handle.fd], wrapper);
  assert.deepEqual((await supervised.said('sockets inherited')).sockets, [file]);
  await supervised.said('serving process is ready');
  supervised.process.kill('SIGTERM');
  assert.equal(await supervised.ended(), 0);
  assert.equal(fs.existsSync(file), true, 'it is not ours to remove');
});
