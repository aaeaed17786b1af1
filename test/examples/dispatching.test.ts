/** Examples 03 to 06: connections, sessions, hashes, rules. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';

import { startExample } from '../demo/stage.ts';

test('03: of eight open connections six are at the server of weight 3', async () => {
  await using stage = await startExample('03-wlc-tcp', { servers: ['web1', 'web2'] });
  const sockets: Socket[] = [];
  const servers: string[] = [];
  // One after another, all held open: least connections is exact where nothing happens at once.
  for (let count = 0; count < 8; count++) {
    const socket = connect(stage.port, '127.0.0.1');
    sockets.push(socket);
    servers.push(await firstAnswer(socket));
  }
  for (const socket of sockets) socket.destroy();
  assert.equal(servers.filter((server) => server === 'web1').length, 6, servers.join());
});

function firstAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', (bytes) => resolve(/^x-served-by: (\w+)/im.exec(bytes.toString('latin1'))?.[1] ?? ''));
    socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  });
}

test('04: without its cookie a session goes round, with it it stays', async () => {
  await using stage = await startExample('04-sticky-sessions', { servers: ['web1', 'web2', 'web3'] });
  const round = [];
  for (let count = 0; count < 6; count++) round.push((await stage.get('/')).server);
  assert.deepEqual(round.toSorted(), ['web1', 'web1', 'web2', 'web2', 'web3', 'web3']);

  const first = await stage.get('/');
  const cookie = /KTCPVS_SID=[^;]+/.exec(String(first.headers['set-cookie']))?.[0] ?? 'none';
  for (let count = 0; count < 6; count++) {
    assert.equal((await stage.get('/', { headers: { Cookie: cookie } })).server, first.server);
  }
  const forged = await stage.get('/', { headers: { Cookie: 'KTCPVS_SID=web1' } });
  assert.match(String(forged.headers['set-cookie']), /KTCPVS_SID=/);
});

test('05: a user has one server, and a hundred users are spread', async () => {
  await using stage = await startExample('05-hash-by-user', { servers: ['web1', 'web2', 'web3'] });
  const ann = new Set<string>();
  for (let count = 0; count < 5; count++) ann.add((await stage.get(`/users/ann/${count}`)).server);
  assert.equal(ann.size, 1);
  const users: Record<string, number> = { web1: 0, web2: 0, web3: 0 };
  for (let user = 0; user < 200; user++) {
    const { server } = await stage.get(`/users/user${user}/`);
    users[server] = (users[server] ?? 0) + 1;
  }
  const { web1 = 0, web2 = 0, web3 = 0 } = users;
  // Expected 50, 50 and 100, with a deviation of some 6 or 7.
  assert.ok(web1 > 20 && web2 > 20 && web3 > 65 && web3 < 135, JSON.stringify(users));
});

test('06: header, method, prefix and query choose the rule', async () => {
  await using stage = await startExample('06-header-and-method-rules');
  const server = async (path: string, options = {}) => (await stage.get(path, options)).server;
  assert.equal(await server('/orders'), 'web1');
  assert.equal(await server('/orders', { headers: { 'X-Beta': 'yes' } }), 'web2');
  assert.equal(await server('/orders', { headers: { 'X-Beta': 'no' } }), 'web1');
  assert.equal(await server('/orders/7', { method: 'POST' }), 'web3');
  assert.equal(await server('/orders2', { method: 'POST' }), 'web1');
  assert.equal(await server('/api/items/5?version=2.1'), 'web4');
  assert.equal(await server('/api/items/5?version=3'), 'web1');
  assert.equal(await server('/api/items/five?version=2'), 'web1');
});
