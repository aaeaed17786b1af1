import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { copyExample, withPorts } from './demo-files.ts';
import { answerStatus, startLoad } from './demo-load.ts';
import { parseDemoOptions } from './demo-options.ts';
import { startOrigin, startOrigins } from './demo-origins.ts';
import { listeningInodes, portOwner } from './demo-ports.ts';

test('load reaches the web servers, and every count agrees', async () => {
  const origin = await startOrigin({ name: 'web1', address: '127.0.0.1', port: 0 });
  const load = startLoad({
    host: '127.0.0.1',
    port: origin.port,
    apps: ['appa', 'appb'],
    rate: 500,
    callsPerConnection: 2,
    connections: 20,
    timeout: 5_000,
  });
  await load.done;
  await origin.close();
  assert.deepEqual(
    [...origin.counts],
    [...load.apps].map(([app, { sent }]) => [app, sent]),
  );
  assert.deepEqual(load.apps.get('appa'), { sent: 40, answered: 40, errors: 0 });
  assert.deepEqual(load.messages, []);
});

test('an answer that breaks off is an error, once', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const load = startLoad({
    host: '127.0.0.1',
    port,
    apps: ['appa'],
    rate: 1_000,
    callsPerConnection: 2,
    connections: 3,
    timeout: 5_000,
  });
  await load.done;
  server.close();
  assert.deepEqual(load.apps.get('appa'), { sent: 3, answered: 0, errors: 3 });
  assert.match(load.messages[0] ?? '', /^appa: closed before the answer was complete/);
});

test('an answer is complete by its length', () => {
  assert.equal(answerStatus('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab'), null);
  assert.equal(answerStatus('HTTP/1.1 503 No\r\ncontent-length: 3\r\n\r\nabc'), 503);
});

test('a port in use is named with its owner, and what was started is closed again', async () => {
  const taken = await startOrigin({ name: 'web2', address: '127.0.0.1', port: 0 });
  const free = { name: 'web1', address: '127.0.0.1', port: 0 };
  await assert.rejects(startOrigins([free, { ...free, name: 'web3', port: taken.port }]), (error: Error) => {
    assert.match(error.message, new RegExp(`^127\\.0\\.0\\.1:${taken.port} is in use`));
    if (process.platform === 'linux') assert.match(error.message, new RegExp(`process ${process.pid}\\)`));
    return true;
  });
  await taken.close();
  assert.equal(portOwner(taken.port), null);
});

test('listening sockets are found in the table of the kernel', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0B00007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 8191 1',
    '   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 8192 1',
  ].join('\n');
  assert.deepEqual(listeningInodes(table, 8080), ['8191']);
  assert.deepEqual(listeningInodes(table, 8081), []);
});

test('the manifests are copied with other ports, and removed', () => {
  const example = mkdtempSync(join(tmpdir(), 'tcpvs-test-'));
  writeFileSync(join(example, 'a.yaml'), 'port: 8000\nport: 8080\nweight: 8000\n');
  writeFileSync(join(example, 'README.md'), 'no manifest');
  const files = copyExample(example, { listen: 9000, servers: 9001 });
  assert.equal(readFileSync(join(files.directory, 'a.yaml'), 'utf8'), 'port: 9000\nport: 9001\nweight: 8000\n');
  assert.ok(!existsSync(join(files.directory, 'README.md')));
  files.remove();
  rmSync(example, { recursive: true });
  assert.ok(!existsSync(files.directory));
  assert.equal(withPorts('port: 8000', { listen: null, servers: 1 }), 'port: 8000');
});

test('options that cannot be are refused by name', () => {
  assert.throws(() => parseDemoOptions(['--rate', '0']), /--rate: read '0', expected a whole number from 1 to 1000/);
  assert.throws(() => parseDemoOptions(['--servers', 'web9']), /--servers: read 'web9'/);
  assert.throws(() => parseDemoOptions(['--json']), /--json needs --once/);
  assert.throws(() => parseDemoOptions(['--onze']), /^Error: Unknown option '--onze' \(see tcpvs demo --help\)$/);
  assert.throws(() => parseDemoOptions(['x']), /^Error: Unexpected argument 'x' \(see tcpvs demo --help\)$/);
  const twice = parseDemoOptions(['--servers', 'web1,web1,web3']);
  assert.deepEqual(twice !== 'help' && twice.servers, ['web1', 'web3']);
  const options = parseDemoOptions(['--once', '--servers', '--port', '8001']);
  assert.ok(options !== 'help');
  assert.deepEqual([options.seconds, options.servers?.length, options.port], [5, 5, 8001]);
});
