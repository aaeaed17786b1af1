import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { bundleOf, newAuthorities } from '../certificates/authorities.ts';
import { json, startFalseServer } from '../fixture/false-server.ts';
import { NAME, startController, until } from '../fixture/servers.ts';
import { Connection } from './connection.ts';
import { FreshFile } from './fresh-file.ts';

const authorities = newAuthorities(new Date());

function connect(t: TestContext, port: number, more: { host?: string; bundle?: string } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const files = { token: join(directory, 'token'), bundle: join(directory, 'ca.crt') };
  writeFileSync(files.token, 'token-1\n');
  writeFileSync(files.bundle, more.bundle ?? bundleOf(authorities));
  const connection = new Connection({
    address: '127.0.0.1',
    port,
    host: more.host ?? NAME,
    token: new FreshFile(files.token, 'token'),
    bundle: new FreshFile(files.bundle, 'CA bundle'),
  });
  t.after(() => connection.close());
  return { connection, files };
}

test('connections are kept: two, however many requests there are', async (t) => {
  const sockets = new Set<unknown>();
  const server = await startFalseServer(t, authorities, (_, response) => {
    sockets.add(response.socket);
    setImmediate(() => json(response, {}));
  });
  const { connection } = connect(t, server.port);
  for (let i = 0; i < 10; i++) {
    const answers = await Promise.all(Array.from({ length: 4 }, () => connection.post('/x', '{}', 5000)));
    assert.ok(answers.every(({ status }) => status === 200));
  }
  assert.ok(sockets.size <= 2, String(sockets.size));
});

test('a kept connection that the other side has closed is no failure', async (t) => {
  const server = await startFalseServer(t, authorities, (_, response) => {
    json(response, {});
    // Without telling: the next request finds out.
    response.on('finish', () => setImmediate(() => response.socket?.resetAndDestroy()));
  });
  const { connection } = connect(t, server.port);
  for (let i = 0; i < 20; i++) assert.equal((await connection.post('/x', '{}', 5000)).status, 200);
});

test('the certificate must be for the name, and by an authority of the bundle; an address is a name too', async (t) => {
  const controller = await startController(t);
  const { port } = controller.server;
  const { bundle } = controller;
  const status = async (more: { host?: string; bundle?: string }) =>
    (await connect(t, port, { bundle, ...more }).connection.post('/', '{}', 5000)).status;
  assert.equal(await status({}), 404);
  assert.equal(await status({ host: '127.0.0.1' }), 404);
  await assert.rejects(status({ host: 'other.tcpvs.svc' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await assert.rejects(status({ host: '127.0.0.2' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  await assert.rejects(status({ bundle: bundleOf(authorities) }), /self-signed|unable to (?:verify|get)/);
  await assert.rejects(status({ bundle: 'none' }), /PEM|certificate/i);
});

test('who does not answer is given up, in the handshake and later', async (t) => {
  const silent = net.createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => silent.close());
  const { port } = silent.address() as net.AddressInfo;
  await assert.rejects(connect(t, port).connection.post('/x', '{}', 100), /no answer within 0\.1 s/);
  const held = await startFalseServer(t, authorities, () => undefined);
  await assert.rejects(connect(t, held.port).connection.post('/x', '{}', 100), /no answer within 0\.1 s/);
});

test('closing ends what is on its way', async (t) => {
  const held = await startFalseServer(t, authorities, () => undefined);
  const { connection } = connect(t, held.port);
  const waiting = connection.post('/x', '{}', 60_000);
  await until(() => held.asked.length === 1);
  connection.close();
  await assert.rejects(waiting);
});

test('files that change are read again, and nothing that stands in them is in a message', async (t) => {
  const { files } = connect(t, 1);
  let now = 0;
  const file = new FreshFile(files.token, 'token', () => now);
  assert.equal(await file.text(), 'token-1');
  writeFileSync(files.token, 'another-token');
  now += 999;
  assert.equal(await file.text(), 'token-1');
  now += 1;
  assert.equal(await file.text(), 'another-token');
  now += 1000;
  writeFileSync(files.token, ' \n');
  await assert.rejects(file.text(), /^Error: token .*token: it is empty$/);
  writeFileSync(files.token, 'x'.repeat(2 << 20));
  await assert.rejects(file.text(), /^Error: token .*: 2097152 bytes, more than the 1048576 that are read$/);
  rmSync(files.token);
  await assert.rejects(file.text(), /^Error: token .*: ENOENT/);
});

test('a token that is refused, or an authority that is unknown, is looked for anew at once', async (t) => {
  const server = await startFalseServer(t, authorities, (_, response) => {
    response.writeHead(response.req.headers.authorization === 'Bearer token-2' ? 204 : 401).end();
  });
  const { connection, files } = connect(t, server.port, { bundle: bundleOf(newAuthorities(new Date())) });
  await assert.rejects(connection.post('/x', '{}', 5000));
  writeFileSync(files.bundle, bundleOf(authorities));
  assert.equal((await connection.post('/x', '{}', 5000)).status, 401);
  writeFileSync(files.token, 'token-2');
  assert.equal((await connection.post('/x', '{}', 5000)).status, 204);
});
