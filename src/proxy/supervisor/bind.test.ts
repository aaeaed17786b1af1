import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { bindAddress, bindPath } from './bind.ts';

test('says for people why an address cannot be bound', () => {
  assert.throws(() => bindAddress('example.org', 80), /expected a numeric IPv4 or IPv6 address/);
  assert.throws(() => bindAddress('192.0.2.1', 8080), /this machine has no such address \(EADDRNOTAVAIL\)/);
});

test('`::` takes IPv6 and IPv4', async (t) => {
  const handle = bindAddress('::', 0);
  const server = net.createServer((socket) => socket.end());
  t.after(() => server.close());
  await new Promise<void>((resolve) => {
    server.listen(handle, resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((resolve, reject) => {
    net.connect(port, '127.0.0.1', resolve).on('error', reject).resume();
  });
});

test('a file at the path of a Unix socket is removed only if it is a socket without a listener', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'tcpvs-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 's');
  fs.writeFileSync(file, 'precious');
  await assert.rejects(bindPath(file), /there is a file that is no socket/);
  assert.equal(fs.readFileSync(file, 'utf8'), 'precious');
  fs.rmSync(file);

  const server = net.createServer((socket) => socket.end()).listen(file);
  await assert.rejects(bindPath(file), /another process listens on it/);
  fs.renameSync(file, `${file}.kept`);
  server.close();
  fs.renameSync(`${file}.kept`, file);

  const handle = await bindPath(file);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  handle.close();
  await assert.rejects(bindPath(path.join(directory, 'no/such/dir')), /its directory does not exist/);
  await assert.rejects(bindPath(path.join(directory, 'x'.repeat(200))), /cannot bind/);
});
