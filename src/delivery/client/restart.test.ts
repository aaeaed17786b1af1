import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { askOnce } from '../../proxy/main/fixture/support.ts';
import { newAuthorities } from '../certificates/authorities.ts';
import { sharedPort, startProxy } from '../fixture/proxies.ts';
import { at, keys, serves, snapshot } from '../fixture/scene.ts';
import { listeningLog, startController, until } from '../fixture/servers.ts';

test('started while no controller is there: the last good snapshot is served, and then nothing older', async (t) => {
  const controller = await startController(t);
  const { server, authorities } = controller;
  const listening = await sharedPort();
  const [one, two, three] = [1, 2, 3].map((value) => snapshot(listening, value));
  server.publish(two!, at(2), keys);
  const before = await startProxy(t, { port: server.port, bundle: controller.bundle });
  await serves(before, two!);
  await before.stop();
  await server.close();
  const file = join(before.directory, 'state', 'snapshot.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(before.directory, 'state')).mode & 0o777, 0o700);

  const log = listeningLog();
  const after = await startProxy(t, { port: server.port, bundle: controller.bundle, directory: before.directory, log });
  await serves(after, two!);
  await until(() => after.serving.ready);
  assert.deepEqual(after.keys, [keys.cookies, keys.tickets]);
  assert.match((await askOnce(listening, 'who'))!, /^\d/);
  assert.match(JSON.stringify(log.lines), /no controller has answered: what was kept is served/);
  assert.doesNotMatch(JSON.stringify(log.lines), new RegExp(keys.cookies[0]!));

  const lagging = await startController(t, { port: server.port, authorities });
  lagging.server.publish(one!, at(1), keys);
  await until(() => lagging.server.replicas().size === 1);
  lagging.server.publish(three!, at(3), keys);
  await serves(after, three!);
  assert.deepEqual(after.configured, [two!.id, three!.id]);
});

test('controllers that answer are preferred to what was kept; its pieces are not fetched again', async (t) => {
  const controller = await startController(t);
  const listening = await sharedPort();
  const [one, two] = [snapshot(listening, 1), snapshot(listening, 2)];
  controller.server.publish(one, at(1), keys);
  const before = await startProxy(t, { port: controller.server.port, bundle: controller.bundle });
  await serves(before, one);
  await before.stop();
  controller.server.publish(two, at(2), keys);
  const after = await startProxy(t, {
    port: controller.server.port,
    bundle: controller.bundle,
    directory: before.directory,
  });
  await serves(after, two);
  assert.deepEqual(after.configured, [two.id]);
});

test('with nothing kept and no controller it is not ready, and says why', async (t) => {
  const log = listeningLog();
  const proxy = await startProxy(t, {
    port: await sharedPort(),
    bundle: newAuthorities(new Date()).current.certificate,
    log,
  });
  await until(() => log.lines.length > 0);
  assert.match(JSON.stringify(log.lines), /ECONNREFUSED/);
  assert.deepEqual([proxy.client.waiting, proxy.serving.ready], ['no snapshot yet: no controller is reached', false]);
  await proxy.client.close();
});

test('on a disk nothing is kept', async (t) => {
  const controller = await startController(t);
  const log = listeningLog();
  const one = snapshot(await sharedPort(), 1);
  controller.server.publish(one, at(1), keys);
  const proxy = await startProxy(t, {
    port: controller.server.port,
    bundle: controller.bundle,
    livesInMemory: false,
    log,
  });
  await serves(proxy, one);
  await proxy.stop();
  assert.match(JSON.stringify(log.lines), /is not in memory/);
  assert.throws(() => readFileSync(join(proxy.directory, 'state', 'snapshot.json')), { code: 'ENOENT' });
});
