import assert from 'node:assert/strict';
import { test } from 'node:test';

import { askOnce, listener, virtualServer } from '../../proxy/main/fixture/support.ts';
import { newAuthorities } from '../certificates/authorities.ts';
import type { SnapshotServer } from '../contract.ts';
import { matrix, named, snapshotOf } from '../fixture/pieces.ts';
import { sharedPort, startProxy } from '../fixture/proxies.ts';
import { acknowledged, at, both, keys, many, serves, snapshot, startControllers, total } from '../fixture/scene.ts';
import { listeningLog, startController, until } from '../fixture/servers.ts';

test('two replicas, three proxies: all serve what is published, both replicas know it; afterwards only differences travel', async (t) => {
  const [one, two, port] = await startControllers(t);
  // All in one process: only the first of them can have the port.
  const listening = await sharedPort();
  const start = (i: number) => startProxy(t, { port, bundle: one.bundle, token: `token-${i}`, addresses: both });
  const proxies = await Promise.all([1, 2, 3].map(start));
  for (const { client, serving } of proxies) {
    assert.match(client.waiting!, /no snapshot yet/);
    assert.equal(serving.ready, false);
  }
  const first = snapshot(listening, 1);
  for (const { server } of [one, two]) server.publish(first, at(1), keys);
  await Promise.all(proxies.map((proxy) => serves(proxy, first)));
  await Promise.all([one, two].map((controller) => acknowledged(controller, first, 3)));
  for (const proxy of proxies) {
    assert.equal(proxy.client.waiting, null);
    assert.equal(proxy.serving.ready, true);
    assert.deepEqual(proxy.keys, [keys.cookies, keys.tickets]);
  }
  assert.match((await askOnce(listening, 'who'))!, /^\d/);
  const bytes = () => total(one, 'tcpvs_delivery_sent_bytes_total') + total(two, 'tcpvs_delivery_sent_bytes_total');
  const before = bytes();
  const fulls =
    total(one, 'tcpvs_delivery_manifests_total', 'full') + total(two, 'tcpvs_delivery_manifests_total', 'full');
  for (let value = 2; value <= 11; value++) {
    const next = snapshot(listening, value);
    for (const { server } of [one, two]) server.publish(next, at(value), keys);
    await Promise.all([one, two].map((controller) => acknowledged(controller, next, 3)));
  }
  assert.equal(
    total(one, 'tcpvs_delivery_manifests_total', 'full') + total(two, 'tcpvs_delivery_manifests_total', 'full'),
    fulls,
  );
  const whole = JSON.stringify(first).length;
  assert.ok((bytes() - before) / 60 < whole / 4, 'of twenty-two pieces one travels');
  for (const { configured } of proxies) {
    // The same again, where a port was taken, is no change.
    const changes = configured.filter((id, i) => id !== configured[i - 1]);
    assert.equal(new Set(changes).size, changes.length, 'nothing twice');
  }
});

test('a replica that is started anew knows nothing of before: names travel, pieces that are there do not', async (t) => {
  const port = await sharedPort();
  const authorities = newAuthorities(new Date());
  const listening = await sharedPort();
  const [one, two] = [snapshot(listening, 1), snapshot(listening, 2)];
  const old = await startController(t, { port, authorities });
  old.server.publish(one, at(1), keys);
  const proxy = await startProxy(t, { port, bundle: old.bundle });
  await serves(proxy, one);
  await old.server.close();
  await until(() => proxy.client.troubles.length > 0);
  assert.equal(proxy.serving.ready, true, 'it serves on');
  const fresh = await startController(t, { port, authorities });
  fresh.server.publish(two, at(2), keys);
  await serves(proxy, two);
  await acknowledged(fresh, two, 1);
  assert.equal(total(fresh, 'tcpvs_delivery_manifests_total', 'full'), 1);
  assert.deepEqual(proxy.client.troubles, []);
  for (const piece of many)
    assert.equal(proxy.client.snapshot!.pieces.find(({ hash }) => hash === piece.hash) !== undefined, true);
});

test('a replica that lags never turns a proxy back; both agree when it has caught up', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const [old, fresh] = [snapshot(listening, 1), snapshot(listening, 2)];
  one.server.publish(fresh, at(2), keys);
  two.server.publish(old, at(1), keys);
  const proxy = await startProxy(t, { port, bundle: one.bundle, addresses: both });
  await acknowledged(one, fresh, 1);
  // The one that lags says something new that is old for the proxy.
  const older = snapshot(listening, 3);
  two.server.publish(older, { services: '1', slices: '1' }, keys);
  const newest = snapshot(listening, 4);
  one.server.publish(newest, at(4), keys);
  two.server.publish(newest, at(4), keys);
  await acknowledged(one, newest, 1);
  await acknowledged(two, newest, 1);
  const seen = proxy.configured.filter(
    (id) => id === older.id || (id === old.id && proxy.configured.indexOf(id) > proxy.configured.indexOf(fresh.id)),
  );
  assert.deepEqual(seen, []);
});

test('replicas that have seen the same and disagree: one is followed, the other takes over when that is gone', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const log = listeningLog();
  const [mine, theirs] = [snapshot(listening, 1), snapshot(listening, 2)];
  one.server.publish(mine, at(5), keys);
  const proxy = await startProxy(t, { port, bundle: one.bundle, addresses: both, log });
  await acknowledged(one, mine, 1);
  two.server.publish(theirs, at(5), keys);
  await until(() => proxy.client.troubles.some((trouble) => trouble.includes('disagree')));
  assert.equal(proxy.client.snapshot!.id, mine.id);
  assert.deepEqual(proxy.configured, [mine.id]);
  assert.ok(log.lines.some(({ message }) => message === 'a snapshot is not taken'));
  await one.server.close();
  await acknowledged(two, theirs, 1);
});

test('a disagreement that is over is forgotten: who is first with the next change is heard at once', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const [mine, theirs, next] = [1, 2, 3].map((value) => snapshot(listening, value));
  one.server.publish(mine!, at(5), keys);
  const proxy = await startProxy(t, { port, bundle: one.bundle, addresses: both });
  await acknowledged(one, mine!, 1);
  two.server.publish(theirs!, at(5), keys);
  const disagree = () => proxy.client.troubles.some((trouble) => trouble.includes('disagree'));
  await until(disagree);
  two.server.publish(mine!, at(5), keys);
  await until(() => !disagree());
  two.server.publish(next!, at(6), keys);
  await acknowledged(two, next!, 1);
  assert.deepEqual(proxy.configured, [mine!.id, next!.id]);
});

test('a replica that disagrees and is ahead takes over where the followed one does not catch up', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const [mine, theirs, ahead] = [1, 2, 3].map((value) => snapshot(listening, value));
  one.server.publish(mine!, at(5), keys);
  const proxy = await startProxy(t, { port, bundle: one.bundle, addresses: both });
  await acknowledged(one, mine!, 1);
  two.server.publish(theirs!, at(5), keys);
  await until(() => proxy.client.troubles.some((trouble) => trouble.includes('disagree')));
  two.server.publish(ahead!, at(6), keys);
  await acknowledged(two, ahead!, 1);
  assert.deepEqual(proxy.configured, [mine!.id, ahead!.id]);
});

test('a token of somebody else gets nothing; when the file has a right one, it is used', async (t) => {
  const controller = await startController(t);
  const log = listeningLog();
  const listening = await sharedPort();
  const one = snapshot(listening, 1);
  controller.server.publish(one, at(1), keys);
  const proxy = await startProxy(t, { port: controller.server.port, bundle: controller.bundle, token: 'thief', log });
  await until(() => log.lines.some(({ message }) => message === 'a controller is not reached'));
  assert.match(JSON.stringify(log.lines), /answered 401: the token is refused/);
  assert.doesNotMatch(JSON.stringify(log.lines), /thief/);
  assert.deepEqual(
    [proxy.client.snapshot, proxy.client.waiting, proxy.serving.ready],
    [null, 'no snapshot yet: no controller is reached', false],
  );
  proxy.write('token', 'token-7');
  await serves(proxy, one);
  assert.deepEqual([...controller.server.replicas().keys()], ['uid-7']);
});

test('without bundle or token it says which file is missing, and goes on when they are there', async (t) => {
  const controller = await startController(t);
  const log = listeningLog();
  const one = snapshot(await sharedPort(), 1);
  controller.server.publish(one, at(1), keys);
  const proxy = await startProxy(t, { port: controller.server.port, bundle: '', log });
  await until(() => log.lines.some(({ message }) => message === 'a controller is not reached'));
  assert.match(JSON.stringify(log.lines), /CA bundle .*ca\.crt: it is empty/);
  proxy.write('ca.crt', controller.bundle);
  await serves(proxy, one);
});

test('a server certificate that has expired is not believed; the next one is, and nothing was lost', async (t) => {
  const controller = await startController(t);
  const { server } = controller;
  const listening = await sharedPort();
  const [one, two] = [snapshot(listening, 1), snapshot(listening, 2)];
  const log = listeningLog();
  server.publish(one, at(1), keys);
  server.setCertificate(controller.certificate(new Date(Date.now() - 3 * 24 * 3_600_000)));
  const proxy = await startProxy(t, { port: server.port, bundle: controller.bundle, log });
  await until(() => /expired/.test(JSON.stringify(log.lines)));
  assert.equal(proxy.client.snapshot, null);
  server.setCertificate(controller.certificate());
  await serves(proxy, one);
  server.publish(two, at(2), keys);
  await serves(proxy, two);
});

test('authorities rotate under connected proxies: with both in the bundle nobody notices, without the right one nobody is believed', async (t) => {
  const port = await sharedPort();
  const old = await startController(t, { port });
  const next = newAuthorities(new Date());
  const listening = await sharedPort();
  const all = [1, 2, 3, 4].map((value) => snapshot(listening, value));
  old.server.publish(all[0]!, at(1), keys);
  const proxy = await startProxy(t, { port, bundle: old.bundle });
  await serves(proxy, all[0]!);
  proxy.write('ca.crt', old.bundle + next.current.certificate);
  old.server.publish(all[1]!, at(2), keys);
  await serves(proxy, all[1]!);
  await old.server.close();
  const fresh = await startController(t, { port, authorities: next });
  fresh.server.publish(all[2]!, at(3), keys);
  await serves(proxy, all[2]!);
  await fresh.server.close();
  const forged = await startController(t, { port, authorities: newAuthorities(new Date()) });
  forged.server.publish(all[3]!, at(4), keys);
  const failures = () =>
    proxy.client.families().find(({ name }) => name === 'tcpvs_delivery_failures_total')!.samples[0]!.value;
  const before = failures();
  await until(() => failures() > before + 1);
  assert.equal(proxy.client.snapshot!.id, all[2]!.id);
  assert.equal(forged.server.replicas().size, 0);
});

test('replicas come and go by the host name; a name server that is away changes nothing', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const names: { now: readonly string[] | null } = { now: [both[0]!] };
  const resolve = () => (names.now === null ? Promise.reject(new Error('EAI_AGAIN')) : Promise.resolve(names.now));
  const log = listeningLog();
  const [first, second] = [snapshot(listening, 1), snapshot(listening, 2)];
  for (const { server } of [one, two]) server.publish(first, at(1), keys);
  const proxy = await startProxy(t, { port, bundle: one.bundle, resolve, log });
  await acknowledged(one, first, 1);
  assert.equal(two.server.replicas().size, 0);
  names.now = both;
  // A replica that ends makes the name be looked up again at once.
  await one.server.close();
  await acknowledged(two, first, 1);
  names.now = null;
  await until(() => log.lines.some(({ message }) => message.includes('host name has no address')));
  two.server.publish(second, at(2), keys);
  await serves(proxy, second);
});

test('a port that is taken is acknowledged as such, and again when it is free', async (t) => {
  const controller = await startController(t);
  const blocker = await startController(t);
  const taken = blocker.server.port;
  const one = snapshot(taken, 1);
  controller.server.publish(one, at(1), keys);
  await startProxy(t, { port: controller.server.port, bundle: controller.bundle });
  await acknowledged(controller, one, 1);
  const error = () => [...controller.server.replicas().values()][0]!.programmed!.listeners[0]!.error;
  assert.match(error()!, /use/);
  await blocker.server.close();
  await until(() => error() === null);
});

const reported =
  (weight: number) =>
  ({ server }: { readonly server: SnapshotServer }): boolean =>
    server.replicas().get('uid-1')!.counts.rows[0]?.cells[0]?.weight === weight;

test('proxies hear how many of them there are, and begin adaptive limits with their part of what is known', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const known = (weight: number) =>
    snapshotOf([
      named(virtualServer('d/v', { listeners: [listener(listening)], servers: [{ server: 'd/s00', weight }] })),
      ...many,
    ]);
  const publish = (weight: number) => {
    for (const { server } of [one, two]) server.publish(known(weight), at(weight), keys);
  };
  for (const { server } of [one, two]) server.setPriors(new Map([['matrix d/m a\nd/s00', 12]]));
  publish(1);
  const start = (i: number) => startProxy(t, { port, bundle: one.bundle, token: `token-${i}`, addresses: both });
  const first = await start(1);
  await until(() => first.replicas.at(-1) === 1);
  assert.deepEqual(first.priors.at(-1), new Map([['matrix d/m a\nd/s00', 12]]));
  for (const weight of [2, 3, 4]) {
    publish(weight);
    await until(() => [one, two].every(reported(weight)));
  }
  assert.ok(first.priors.length <= 2, `${first.priors.length}: each controller’s are taken once`);
  const second = await start(2);
  await until(() => second.replicas.at(-1) === 2);
  assert.deepEqual(second.priors.at(-1), new Map([['matrix d/m a\nd/s00', 6]]));
});

test('counts reach every replica', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const main = virtualServer('d/v', {
    listeners: [listener(listening)],
    servers: [
      { server: 'd/s00', weight: 3 },
      { server: 'd/s01', weight: 1 },
    ],
  });
  const first = snapshotOf([named(main), ...many]);
  for (const { server } of [one, two]) server.publish(first, at(1), keys);
  await startProxy(t, { port, bundle: one.bundle, addresses: both });
  await acknowledged(one, first, 1);
  for (let i = 0; i < 4; i++) await askOnce(listening, 'choose servers+d/v');
  for (const { server } of [one, two]) {
    const cells = () =>
      [...server.replicas().values()][0]?.counts.rows[0]?.cells.map(({ requests, asked }) => [requests, asked]);
    await until(
      () =>
        JSON.stringify(cells()) ===
        JSON.stringify([
          [3, 0.75],
          [1, 0.25],
        ]),
    );
  }
});

test('a snapshot that is much is fetched in pieces, once, though both replicas offer it', async (t) => {
  const [one, two, port] = await startControllers(t);
  const listening = await sharedPort();
  const weights = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`d/server-${i}`, 1]));
  const big = Array.from({ length: 1500 }, (_, i) => matrix(`e/m${i}`, 'app', weights));
  const all = snapshot(listening, 1, ...big);
  for (const { server } of [one, two]) server.publish(all, at(1), keys);
  const proxy = await startProxy(t, { port, bundle: one.bundle, addresses: both });
  await acknowledged(one, all, 1);
  await acknowledged(two, all, 1);
  assert.equal(proxy.client.snapshot!.pieces.length, all.pieces.length);
  const bytes = total(one, 'tcpvs_delivery_sent_bytes_total') + total(two, 'tcpvs_delivery_sent_bytes_total');
  const text = JSON.stringify(all).length;
  // The pieces once; twice the names, and as many pieces as travel with them.
  assert.ok(bytes < text * 1.5, `${bytes / text} times the snapshot`);
});

test('another class is not served', async (t) => {
  const controller = await startController(t);
  const log = listeningLog();
  controller.server.publish(snapshot(await sharedPort(), 1), at(1), keys);
  const proxy = await startProxy(t, {
    port: controller.server.port,
    bundle: controller.bundle,
    className: 'other',
    log,
  });
  await until(() => log.lines.length > 0);
  assert.match(
    JSON.stringify(log.lines),
    /answered 409: className: read \\"other\\", this controller serves \\"tcpvs\\"/,
  );
  assert.equal(proxy.client.snapshot, null);
});
