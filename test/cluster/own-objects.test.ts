/** The installation's own objects, on a real API server. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { KeptProfiles } from '../../src/controller/kept-profiles.ts';
import { OwnObjects } from '../../src/controller/own/own-objects.ts';
import { bundleOf } from '../../src/delivery/certificates/authorities.ts';
import { connectApi } from '../../src/kube/connect.ts';
import { ProfileBook } from '../../src/learning/profile-book.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import type { KubeObject } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { until } from './follow.ts';

const DAY = 86_400_000;
const secrets = (ns: string) => `/api/v1/namespaces/${ns}/secrets`;
const maps = (ns: string) => `/api/v1/namespaces/${ns}/configmaps`;
const named = (all: readonly KubeObject[], name: string) => all.find(({ metadata }) => metadata.name === name);

describe('own objects', { skip: skipReason('api') }, () => {
  let api: Api;
  let count = 0;
  const closers: (() => Promise<void> | void)[] = [];
  before(async () => {
    api = await startApi();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });
  after(() => api?.stop());

  async function namespace(): Promise<string> {
    const name = `own${++count}`;
    await api.client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  }

  function open(ns: string, now = { is: Date.now() }) {
    const lines: string[] = [];
    const { api: client } = connectApi({ kubeconfig: api.kubeconfig, userAgent: 'test' });
    let wake: () => void = Object;
    const own = new OwnObjects({
      api: client,
      namespace: ns,
      name: 't',
      now: () => now.is,
      log: createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } }),
      onChange: () => wake(),
    });
    own.start();
    closers.push(async () => {
      await own.close();
      client.close();
    });
    const changed = async (holds: () => boolean) => {
      while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
    };
    return { own, lines, now, changed };
  }

  test('the leader makes them, whether they are there empty or not at all; the others follow', async () => {
    const ns = await namespace();
    // as the chart ships it
    await api.client.create(secrets(ns), { metadata: { name: 't-ca', labels: { of: 'chart' } } });
    const follower = open(ns);
    const leader = open(ns);
    assert.equal(leader.own.missing.length, 2);
    leader.own.lead(true);
    await Promise.all([leader.own.whenKnown, follower.own.whenKnown]);
    assert.deepEqual(follower.own.keys, leader.own.keys);
    assert.deepEqual(follower.own.authorities, leader.own.authorities);
    assert.match(leader.own.keys.cookies[0] ?? '', /^[0-9a-f]{64}$/);
    assert.match(leader.own.keys.tickets[0] ?? '', /^[0-9a-f]{96}$/);
    const all = await until(api.client, maps(ns), (objects) => named(objects, 't-ca-bundle') !== undefined);
    assert.equal(named(all, 't-ca-bundle')?.['data']['ca.crt'], bundleOf(leader.own.authorities));
    assert.deepEqual((await api.client.get(`${secrets(ns)}/t-ca`)).metadata.labels, { of: 'chart' });
    assert.doesNotMatch(leader.lines.join(''), /PRIVATE|[0-9a-f]{64}/);
  });

  test('they are renewed in time, and the bundle has the next authority before it signs', async () => {
    const ns = await namespace();
    const { own, now, changed } = open(ns);
    own.lead(true);
    await own.whenKnown;
    const first = own.authorities.current.certificate;
    now.is += 290 * DAY;
    own.lead(true);
    await changed(() => own.authorities.next !== null);
    assert.equal(own.authorities.current.certificate, first);
    const next = own.authorities.next?.certificate ?? '';
    await until(api.client, maps(ns), (all) => String(named(all, 't-ca-bundle')?.['data']['ca.crt']).includes(next));
    now.is += 30 * DAY;
    own.lead(true);
    await changed(() => own.authorities.current.certificate === next);
    assert.equal(own.authorities.previous, first);
  });

  test('what was learned of apps is known to the next leader, whether the chart has made a place for it or not', async () => {
    const ns = await namespace();
    await api.client.create(maps(ns), { metadata: { name: 't-profiles', labels: { of: 'chart' } } });
    for (const name of ['t-profiles', 'u-profiles']) {
      const { api: client } = connectApi({ kubeconfig: api.kubeconfig, userAgent: 'test' });
      closers.push(() => client.close());
      const opened = () => {
        const book = new ProfileBook();
        const log = createLogger({ level: 'silent' });
        return { book, kept: new KeptProfiles({ api: client, namespace: ns, name, book, log }) };
      };
      const first = opened();
      const window = { matrix: 'a/m', app: 'shop', server: 'a/web1', arrivals: 9, answered: 9, seconds: 1 };
      first.book.add([{ ...window, failures: 0, timeouts: 0, levels: null }], 1, 1e12, () => 60);
      first.kept.lead(true);
      await first.kept.close();
      const next = opened();
      await next.kept.restore();
      assert.deepEqual(
        next.book.matrices.get('a/m')?.get('shop')?.demand,
        first.book.matrices.get('a/m')!.get('shop')!.demand,
      );
    }
    assert.deepEqual((await api.client.get(`${maps(ns)}/t-profiles`)).metadata.labels, { of: 'chart' });
  });

  test('what somebody deletes is written again as it was; what somebody broke is told, and not written over', async () => {
    const ns = await namespace();
    const { own, lines } = open(ns);
    own.lead(true);
    await own.whenKnown;
    const { cookies } = own.keys;
    await api.client.delete(`${secrets(ns)}/t-keys`);
    const all = await until(api.client, secrets(ns), (objects) => named(objects, 't-keys') !== undefined);
    const field = Buffer.from(named(all, 't-keys')?.['data']['cookies.current'], 'base64').toString();
    assert.equal(field, cookies[0]);
    await api.client.patch(`${secrets(ns)}/t-ca`, { stringData: { 'ca.key': 'broken' } });
    while (!lines.some((line) => line.includes('ca.key is not a private key'))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { data } = await api.client.get(`${secrets(ns)}/t-ca`);
    assert.equal(Buffer.from(data['ca.key'], 'base64').toString(), 'broken');
    assert.ok(own.authorities.current.privateKey.includes('PRIVATE KEY'));
  });
});
