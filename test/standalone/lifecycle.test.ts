import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../../src/cli/demo-ports.ts';
import { admin, openStage, type Stage, tally, tcpvsadm, until } from './stage.ts';

let stage: Stage;
const servers: Server[] = [];
afterEach(async () => {
  await stage.close();
  for (const server of servers.splice(0)) server.close();
});

/** The serving process: the child of the one that was started. */
function servingPid(): number {
  const { pid } = stage.serve;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(children.at(-1));
}

test('SIGTERM: not ready, what runs is finished, exit status 0', async () => {
  stage = await openStage();
  const held = Promise.withResolvers<() => void>();
  const slow = createServer((_, response) => held.resolve(() => response.end('done')));
  servers.push(slow);
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const { port } = slow.address() as { port: number };
  stage.write(
    'slow.yaml',
    `apiVersion: tcpvs.io/v1alpha1\nkind: RealServer\nmetadata: {name: web1}\nspec: {address: 127.0.0.1, port: ${port}}\n`,
  );
  const servers2 = readFileSync(`${stage.directory}/servers.yaml`, 'utf8').split('---\n')[1] ?? '';
  stage.write('servers.yaml', servers2);
  stage.weights(1, 0);
  await stage.start();
  const answer = stage.get('/shop/slow', false);
  const finish = await held.promise;
  process.kill(stage.serve.pid, 'SIGTERM');
  await until(
    () => admin(stage, '/readyz').catch(() => ({ status: 0, body: '' })),
    ({ status, body }) => status === 503 && body.includes('draining'),
  );
  finish();
  assert.equal(await answer, '200');
  assert.equal(await stage.serve.exited, 0);
});

test('a second SIGTERM ends at once, whatever runs', async () => {
  stage = await openStage();
  const arrived = Promise.withResolvers<void>();
  const never = createServer(() => arrived.resolve());
  servers.push(never);
  await new Promise<void>((resolve) => never.listen(0, '127.0.0.1', resolve));
  const { port } = never.address() as { port: number };
  stage.write(
    'servers.yaml',
    `apiVersion: tcpvs.io/v1alpha1\nkind: RealServer\nmetadata: {name: web1}\nspec: {address: 127.0.0.1, port: ${port}}\n`,
  );
  await stage.start();
  const answer = stage.get('/shop/never', false).catch((error: Error) => error.message);
  await arrived.promise;
  process.kill(stage.serve.pid, 'SIGTERM');
  await until(
    async () => stage.serve.output(),
    (text) => text.includes('draining'),
  );
  process.kill(stage.serve.pid, 'SIGTERM');
  assert.equal(await stage.serve.exited, 1);
  assert.match(await answer, /hang up|ECONNRESET/);
  never.closeAllConnections();
});

test('the serving process is killed: another one serves, connections wait for it, what tcpvsadm changed is there', async () => {
  stage = await openStage();
  await stage.start();
  assert.equal((await tcpvsadm(stage, '-E', '-i', 'http', '--maxclients', '77')).code, 0);
  const before = servingPid();
  process.kill(before, 'SIGKILL');
  // Connections of before are gone with their process; a new one waits in the backlog.
  assert.match(await stage.get('/shop/x', false), /^web/);
  await until(
    async () => servingPid(),
    (pid) => pid !== before && pid > 0,
  );
  const listing = await until(
    () => tcpvsadm(stage, '-L', '-n'),
    ({ code }) => code === 0,
  );
  assert.match(listing.text, /maxclients = 77/);
});

test('a connection that comes while draining ends is served as long as any process keeps the listener', async () => {
  stage = await openStage();
  await stage.start('--drain-delay', '0.3');
  const { pid } = stage.serve;
  process.kill(pid, 'SIGTERM');
  await until(
    async () => stage.serve.output(),
    (text) => text.includes('draining'),
  );
  // Its copy of the listener stays open: what nobody accepts any more would be reset in the end.
  process.kill(pid, 'SIGSTOP');
  const answers: Promise<string>[] = [];
  try {
    for (let i = 0; i < 60; i++) {
      answers.push(lastAnswer(stage.port));
      await sleep(20);
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.equal(await stage.serve.exited, 0);
});

test('SIGUSR2 under load: another process takes over, no request is lost, and the state stays', async () => {
  stage = await openStage();
  await stage.start();
  const before = servingPid();
  const load = tally(stage, 600);
  process.kill(stage.serve.pid, 'SIGUSR2');
  await until(
    async () => stage.serve.output(),
    (text) => text.includes('old serving process ended'),
  );
  const { web1 = 0, web2 = 0, ...others } = await load;
  assert.deepEqual(others, {});
  assert.equal(web1 + web2, 600);
  assert.notEqual(servingPid(), before);
  assert.equal((await tcpvsadm(stage, '-E', '-i', 'http', '--maxclients', '78')).code, 0);
  assert.equal((await admin(stage, '/readyz')).status, 200);
});

test('SIGHUP reads everything again; a second server at the same socket or port is refused', async () => {
  stage = await openStage();
  const port = await freePort();
  await stage.start('--admin', `127.0.0.1:${port}`);
  process.kill(stage.serve.pid, 'SIGHUP');
  await until(
    async () => stage.serve.output(),
    (text) => text.includes('reading the configuration again'),
  );
  const { serve } = stage;
  const second = await stage.start();
  stage.serve = serve;
  assert.equal(await second.exited, 1);
  assert.match(second.output(), /admin\.sock/);
  assert.match(await stage.get('/shop/x'), /^web/);
});

/** All that the server says on a connection of its own; or the code of what went wrong. */
function lastAnswer(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => (text += data));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('end', () => resolve(text));
    socket.write('GET /shop/x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  });
}
