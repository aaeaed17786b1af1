import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { startController, until } from '../../src/delivery/fixture/servers.ts';
import { ask, freePort, origin } from '../../src/proxy/worker/fixture.ts';
import { hashOf } from '../../src/telemetry/config-hash.ts';
import { MEMORY, snapshot, startProxy } from './stage.ts';

const SECRET = { cookies: ['c0'.repeat(32)], tickets: ['7e'.repeat(48)] };
const secrets = new RegExp(`${SECRET.cookies[0]!}|${SECRET.tickets[0]!}|token-1`);

test('not ready before the first snapshot; then it serves, and says what it does, but no secret', async (t) => {
  const controller = await startController(t);
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  const proxy = await startProxy(t, controller);
  await until(async () => (await proxy.get('/healthz')).status === 200);
  const before = await proxy.get('/readyz');
  assert.deepEqual([before.status, before.text.split('\n')[0]], [503, 'not ready']);
  assert.match(before.text, /no snapshot yet: (?:no controller is reached|the controller has none)/);
  const first = snapshot(port, web.port);
  controller.server.publish(first, { services: '1' }, SECRET);
  await proxy.ready();
  assert.equal((await ask(port, '/')).body, 'web');
  const replica = () => controller.server.replicas().get('uid-1')!;
  // It serves before it has said so.
  await until(() => replica().programmed?.snapshot === first.id);
  assert.match(replica().version, /^\d+\.\d+\.\d+$/);
  // An answer is counted when it has been written, which is a moment after its client may have read it.
  let metrics = '';
  await until(async () => (metrics = (await proxy.get('/metrics')).text).includes('tcpvs_requests_total{'));
  for (const name of [
    'tcpvs_ready 1',
    'tcpvs_config_generation 1',
    `tcpvs_config_hash ${hashOf(first.id)}`,
    'tcpvs_delivery_controllers 1',
  ]) {
    assert.ok(metrics.includes(name), name);
  }
  assert.ok(!metrics.includes('tcpvs_objects'), 'it knows no objects');
  assert.equal((await proxy.get('/v1/snapshot')).status, 404);
  await until(() => controller.server.replicas().get('uid-1')!.counts.rows[0]?.cells[0]?.requests === 1);
  for (const text of [metrics, proxy.output(), before.text]) assert.doesNotMatch(text, secrets);
});

test('SIGTERM: not ready at once, still accepting, what runs is finished, exit status 0', async (t) => {
  const controller = await startController(t);
  const held = Promise.withResolvers<() => void>();
  const slow = await origin('slow', (request, response) => {
    if (request.url === '/held') held.resolve(() => response.end('done'));
    else response.end('quick');
  });
  t.after(() => slow.close());
  const port = await freePort();
  controller.server.publish(snapshot(port, slow.port), {}, SECRET);
  // Longer than the test needs, for it ends when the last request does.
  const proxy = await startProxy(t, controller, { args: ['--drain-delay=3'] });
  await proxy.ready();
  const answer = ask(port, '/held');
  const finish = await held.promise;
  process.kill(proxy.pid, 'SIGTERM');
  await until(async () => /draining/.test((await proxy.get('/readyz')).text));
  assert.equal((await proxy.get('/readyz')).status, 503);
  const during = await ask(port, '/');
  assert.deepEqual([during.body, during.headers['connection']], ['quick', 'close']);
  finish();
  assert.equal((await answer).body, 'done');
  assert.equal(await proxy.exited, 0);
});

test('snapshots are taken while it drains: what is asked then goes where it should', async (t) => {
  const controller = await startController(t);
  const [old, fresh] = [await origin('old'), await origin('fresh')];
  t.after(() => [old, fresh].forEach((each) => each.close()));
  const port = await freePort();
  controller.server.publish(snapshot(port, old.port), { services: '1' }, SECRET);
  const proxy = await startProxy(t, controller, { args: ['--drain-delay=60'] });
  await proxy.ready();
  process.kill(proxy.pid, 'SIGTERM');
  await until(async () => /draining/.test((await proxy.get('/readyz')).text));
  const next = snapshot(port, fresh.port);
  controller.server.publish(next, { services: '2' }, SECRET);
  await until(() => controller.server.replicas().get('uid-1')!.programmed?.snapshot === next.id);
  assert.equal((await ask(port, '/')).body, 'fresh');
});

test('its container is started again while no controller is there: it serves by what it kept, in memory, for its eyes alone', async (t) => {
  const controller = await startController(t);
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  const first = snapshot(port, web.port);
  controller.server.publish(first, { services: '1' }, SECRET);
  const before = await startProxy(t, controller);
  await before.ready();
  const file = join(before.directory, 'state', 'snapshot.json');
  process.kill(before.pid, 'SIGTERM');
  assert.equal(await before.exited, 0);
  assert.match(readFileSync(file, 'utf8'), new RegExp(SECRET.cookies[0]!));
  assert.deepEqual(
    [statSync(file).mode & 0o777, statSync(join(before.directory, 'state')).mode & 0o777],
    [0o600, 0o700],
  );
  await controller.server.close();
  const after = await startProxy(t, controller, { directory: before.directory });
  await after.ready();
  assert.equal((await ask(port, '/')).body, 'web');
  assert.match((await after.get('/readyz')).text, /no controller is reached; what was received last is served/);
  assert.doesNotMatch(after.output(), secrets);
  process.kill(after.pid, 'SIGTERM');
  assert.equal(await after.exited, 0);
  assert.ok(file.startsWith(MEMORY));
});

test('the serving process is killed: another one serves, by the controller’s snapshot', async (t) => {
  const controller = await startController(t);
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  controller.server.publish(snapshot(port, web.port), {}, SECRET);
  const proxy = await startProxy(t, controller);
  await proxy.ready();
  process.kill(proxy.serving(), 'SIGKILL');
  // The supervisor keeps the socket: this connection waits in its backlog.
  assert.equal((await ask(port, '/')).body, 'web');
  await proxy.ready();
});

test('SIGUSR2: another serving process takes over, no request is lost', async (t) => {
  const controller = await startController(t);
  const web = await origin('web');
  t.after(() => web.close());
  const port = await freePort();
  controller.server.publish(snapshot(port, web.port), {}, SECRET);
  const proxy = await startProxy(t, controller);
  await proxy.ready();
  const old = proxy.serving();
  const going = { on: true };
  const failures: unknown[] = [];
  let answered = 0;
  const client = async () => {
    while (going.on) {
      const { body } = await ask(port, '/').catch((error: unknown) => ({ body: error }));
      if (body === 'web') answered++;
      else failures.push(body);
    }
  };
  const clients = [client(), client()];
  process.kill(proxy.pid, 'SIGUSR2');
  await until(() => {
    try {
      return proxy.serving() !== old && !isAlive(old);
    } catch {
      return false;
    }
  });
  going.on = false;
  await Promise.all(clients);
  assert.deepEqual(failures, []);
  assert.ok(answered > 0);
  await proxy.ready();
  await until(() => controller.server.replicas().get('uid-1')!.programmed !== null);
});

test('a wrong command line ends it at once, with what is wrong', async (t) => {
  const controller = await startController(t);
  const proxy = await startProxy(t, controller, { args: ['--controller=http://x'] });
  assert.equal(await proxy.exited, 2);
  assert.match(proxy.output(), /--controller stands twice/);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
