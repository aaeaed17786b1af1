/** Watches of src/kube against a real API server, with faults in between. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { ApiError } from '../../src/kube/api-error.ts';
import { NamedWatches } from '../../src/kube/named-watches.ts';
import { ResourceWatch, type ResourceWatchOptions } from '../../src/kube/resource-watch.ts';
import { type KubeObject, type Resource, withoutBallast } from '../../src/kube/resource.ts';
import { skipReason } from './binaries.ts';
import { configMap, log, KubeStage } from './kube-stage.ts';
import { kubeconfig } from './kubeconfig.ts';

const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const GRANTS: Resource = {
  group: 'gateway.networking.k8s.io',
  version: 'v1beta1',
  plural: 'referencegrants',
  kind: 'ReferenceGrant',
};
const QUICK = { backoff: { first: 1, most: 5 }, betweenLists: 1, slowly: 20 };

describe('watches on a real API', { skip: skipReason('api') }, () => {
  const stage = new KubeStage();

  function open(options: Partial<ResourceWatchOptions<KubeObject>> = {}) {
    const told: string[] = [];
    const wakers = new Set<() => void>();
    const wake = () => {
      for (const each of wakers) each();
    };
    const watch = new ResourceWatch<KubeObject>({
      api: stage.client,
      resource: CONFIG_MAPS,
      keep: withoutBallast,
      log,
      onKeys: (keys) => {
        told.push(...keys);
        wake();
      },
      onProgress: wake,
      ...options,
      timing: { ...QUICK, ...options.timing },
    }).start();
    stage.closers.push(() => watch.close());
    const until = (holds: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!holds()) return;
          wakers.delete(look);
          resolve();
        };
        wakers.add(look);
        look();
      });
    return { watch, told, until };
  }

  test('a hundred and fifty watches and as many calls share a few connections', async () => {
    const already = stage.faults.connections;
    const ns = await stage.namespace();
    await stage.api.client.create(`/api/v1/namespaces/${ns}/configmaps`, configMap('a'));
    const watches = Array.from({ length: 150 }, () => open({ namespace: ns }));
    await Promise.all(watches.map(({ watch }) => watch.whenSynced));
    await stage.api.client.create(`/api/v1/namespaces/${ns}/configmaps`, configMap('b'));
    await Promise.all(watches.map(({ watch, until }) => until(() => watch.get(`${ns}/b`) !== undefined)));
    assert.ok(stage.faults.connections - already <= 4, `${stage.faults.connections - already} connections`);
  });

  test('a server that speaks HTTP/1.1 alone', async () => {
    const at = (name: string) => readFileSync(join(stage.api.directory, 'certificates', name));
    const versions = new Set<string>();
    const server = createServer({ cert: at('apiserver.crt'), key: at('apiserver.key') }, (request, response) => {
      versions.add(request.httpVersion);
      response.end('{"metadata":{"resourceVersion":"1"},"items":[]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const path = join(stage.api.directory, 'http1-kubeconfig');
    writeFileSync(path, kubeconfig({ url, ca: stage.api.ca, token: 'x' }));
    const old = stage.connect(path);
    assert.deepEqual(await old.call('GET', '/api/v1/x'), { metadata: { resourceVersion: '1' }, items: [] });
    await old.call('GET', '/api/v1/x');
    old.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual([...versions], ['1.1']);
  });

  test('410 as a status and in an event, 500, resets and stalls, three hundred in all: afterwards both hold the same', async () => {
    const ns = await stage.namespace();
    const path = `/api/v1/namespaces/${ns}/configmaps`;
    const { watch, until } = open({ namespace: ns, timing: { least: 1000, most: 1000, grace: 100 } });
    await watch.whenSynced;
    let round = 0;
    const enough = Promise.withResolvers<void>();
    stage.faults.decide = ({ watch: is, path: asked }) => {
      if (!asked.startsWith(path)) return null;
      if (++round > 300) {
        enough.resolve();
        return null;
      }
      if (!is) return round % 7 === 0 ? { kind: 'Status', status: 500, reason: 'InternalError' } : null;
      if (round % 97 === 0) return { kind: 'Stall' };
      if (round % 5 === 0) return { kind: 'Reset', after: 5 };
      if (round % 3 === 0) return { kind: 'ErrorEvent', status: 410, reason: 'Expired', after: 5 };
      return { kind: 'Status', status: 410, reason: 'Expired' };
    };
    stage.faults.reset();
    let writes = 0;
    const writer = { over: false };
    const writing = (async () => {
      while (!writer.over) {
        const name = `c${writes % 20}`;
        if (writes++ % 7 === 6) await stage.api.client.request('DELETE', `${path}/${name}`).catch(() => undefined);
        else await stage.api.client.apply(`${path}/${name}`, configMap(name, String(writes)));
      }
    })();
    await enough.promise;
    writer.over = true;
    await writing;
    await stage.api.client.create(path, configMap('last'));
    await until(() => watch.get(`${ns}/last`) !== undefined);
    const there = await stage.api.client.list<KubeObject>(path);
    const wanted = there.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).toSorted();
    const has = [...watch.view.values()]
      .map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
      .toSorted();
    assert.deepEqual(has, wanted);
    assert.ok((watch.restarts.get('gone') ?? 0) >= 100, String(watch.restarts.get('gone')));
    assert.ok((watch.restarts.get('stalled') ?? 0) >= 1);
    assert.equal(watch.trouble, null);
  });

  test('a server that is away, with its etcd, and comes back: nothing is lost meanwhile, everything is found after', async () => {
    const ns = await stage.namespace();
    const path = `/api/v1/namespaces/${ns}/configmaps`;
    await stage.api.client.create(path, configMap('a'));
    const { watch, until } = open({ namespace: ns });
    await watch.whenSynced;
    await stage.faults.down();
    await stage.api.stopServer();
    await stage.api.startServer();
    await stage.api.restartEtcd();
    assert.equal(watch.view.size, 1);
    await stage.api.client.create(path, configMap('b'));
    await stage.faults.up();
    await until(() => watch.view.size === 2);
  });

  test('an empty list of a server in trouble is not believed', async () => {
    const ns = await stage.namespace();
    const path = `/api/v1/namespaces/${ns}/configmaps`;
    for (const name of ['a', 'b', 'c']) await stage.api.client.create(path, configMap(name));
    const { watch, told, until } = open({ namespace: ns });
    await watch.whenSynced;
    told.length = 0;
    let lies = 1;
    stage.faults.decide = ({ path: asked, watch: is }) => {
      if (!asked.startsWith(path)) return null;
      if (is && lies > 0) return { kind: 'Status', status: 410, reason: 'Expired' };
      return !is && lies-- > 0 ? { kind: 'EmptyList' } : null;
    };
    stage.faults.reset();
    await stage.api.client.create(path, configMap('d'));
    await until(() => watch.view.size === 4);
    assert.deepEqual(told, [`${ns}/d`]);
  });

  test('metadata alone, by label; a kind that is not installed', async () => {
    const ns = await stage.namespace();
    const labelled = { ...configMap('a', 'x'), metadata: { name: 'a', labels: { is: 'wanted' } } };
    await stage.api.client.create(`/api/v1/namespaces/${ns}/configmaps`, labelled);
    await stage.api.client.create(`/api/v1/namespaces/${ns}/configmaps`, configMap('b'));
    const { watch, until } = open({ namespace: ns, labelSelector: 'is=wanted', metadataOnly: true });
    await watch.whenSynced;
    assert.deepEqual([...watch.view.keys()], [`${ns}/a`]);
    assert.equal(watch.get(`${ns}/a`)?.['data'], undefined);
    await stage.api.client.create(`/api/v1/namespaces/${ns}/configmaps`, {
      ...labelled,
      metadata: { ...labelled.metadata, name: 'c' },
    });
    await until(() => watch.view.size === 2);
    const grants = open({ resource: GRANTS, optional: true });
    await grants.watch.whenSynced;
    assert.equal(grants.watch.view.size, 0);
    assert.equal(grants.watch.trouble, null);
  });

  test('single Secrets: a Role with their names permits these watches and nothing else', async () => {
    const ns = await stage.namespace();
    const path = `/api/v1/namespaces/${ns}`;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
    await stage.api.client.create(`${path}/serviceaccounts`, { metadata: { name: 'reader' } });
    for (const name of ['a', 'b'])
      await stage.api.client.create(`${path}/secrets`, { metadata: { name }, stringData: { k: name } });
    const rules = [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['a', 'late'], verbs: ['get', 'list', 'watch'] },
    ];
    await stage.api.client.create(`${rbac}/roles`, { metadata: { name: 'r' }, rules });
    await stage.api.client.create(`${rbac}/rolebindings`, {
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: ns }],
    });
    const reader = stage.connect(stage.faults.kubeconfig(await stage.api.tokenOf(ns, 'reader')));
    stage.closers.push(() => reader.close());
    let wake: () => void = Object;
    const troubles: string[] = [];
    const watches = new NamedWatches<KubeObject>({
      api: reader,
      resource: SECRETS,
      keep: withoutBallast,
      log,
      timing: QUICK,
      onKeys: () => wake(),
      onTrouble: (key) => {
        troubles.push(`${key} ${watches.troubleOf(key)?.status ?? 'well'}`);
        wake();
      },
    });
    stage.closers.push(() => watches.close());
    const keys = ['a', 'b', 'late'].map((name) => `${ns}/${name}`);
    watches.want(new Set(keys));
    await watches.whenAnswered(keys, 30_000);
    assert.deepEqual([...watches.view.keys()], [`${ns}/a`]);
    assert.equal(watches.troubleOf(`${ns}/b`)?.status, 403);
    assert.equal(watches.troubleOf(`${ns}/late`), null);
    await assert.rejects(
      reader.call('GET', `${path}/secrets`),
      (error) => error instanceof ApiError && error.status === 403,
    );
    await stage.api.client.create(`${path}/secrets`, { metadata: { name: 'late' }, stringData: { k: 'late' } });
    while (watches.view.size < 2) await new Promise<void>((resolve) => (wake = resolve));
    await stage.api.client.delete(`${path}/secrets/a`);
    while (watches.view.size > 1) await new Promise<void>((resolve) => (wake = resolve));
    assert.deepEqual(troubles, [`${ns}/b 403`]);
    await stage.api.client.apply(`${rbac}/roles/r`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r' },
      rules: [{ ...rules[0], resourceNames: ['b', 'late'] }],
    });
    while (troubles.length < 2) await new Promise<void>((resolve) => (wake = resolve));
    assert.deepEqual(troubles.slice(1), [`${ns}/b well`]);
    watches.want(new Set());
    assert.equal(watches.view.size, 0);
  });
});
