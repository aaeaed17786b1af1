import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { askOnce } from '../main/fixture/support.ts';
import { start, Supervised } from './fixture/supervised.ts';

test('a port that is taken is told by the supervisor', async (t) => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  const supervised = await start(t, String(port));
  const { listeners } = await supervised.said('up');
  assert.equal(listeners![0]!.error, `cannot bind 127.0.0.1 port ${port}: another process uses it (EADDRINUSE)`);
});

test('a Unix socket has mode 0600, outlives serving processes, and goes with the supervisor', async (t) => {
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
  await supervised.said('serving process is ready', 2);
  supervised.process.kill('SIGUSR2');
  await supervised.said('old serving process ended');
  assert.equal(await ask(), String((await supervised.said('up', 3)).pid));
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
