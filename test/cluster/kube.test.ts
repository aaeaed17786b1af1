/** src/kube against a real API server, with faults in between. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { ApiError, isConflict } from '../../src/kube/api-error.ts';
import type { Api as Client } from '../../src/kube/api.ts';
import { applyStatus } from '../../src/kube/apply.ts';
import { connectApi } from '../../src/kube/connect.ts';
import { EventRecorder } from '../../src/kube/events.ts';
import { LeaderElection } from '../../src/kube/leader-election.ts';
import { NamedWatches } from '../../src/kube/named-watches.ts';
import { ResourceWatch, type ResourceWatchOptions } from '../../src/kube/resource-watch.ts';
import { type KubeObject, type Resource, withoutBallast } from '../../src/kube/resource.ts';
import { createRevision, deleteRevision, readRevision } from '../../src/kube/revisions.ts';
import { createTokenReviewer } from '../../src/kube/token-reviewer.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { installCrds } from './crds.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { kubeconfig } from './kubeconfig.ts';

const CONFIG_MAPS: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
const SECRETS: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' };
const SERVERS: Resource = { group: 'tcpvs.io', version: 'v1alpha1', plural: 'realservers', kind: 'RealServer' };
const GRANTS: Resource = {
  group: 'gateway.networking.k8s.io',
  version: 'v1beta1',
  plural: 'referencegrants',
  kind: 'ReferenceGrant',
};
const configMap = (name: string, value = '') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value },
});
const log = createLogger({ level: 'silent' });
const QUICK = { backoff: { first: 1, most: 5 }, betweenLists: 1, slowly: 20 };

describe('kube on a real API', { skip: skipReason('api') }, () => {
  let api: Api;
  let faults: FaultProxy;
  let client: Client;
  let namespaces = 0;
  const closers: (() => Promise<void> | void)[] = [];

  before(async () => {
    api = await startApi();
    await installCrds(api);
    faults = await startFaultProxy(api);
    client = connect();
  });
  afterEach(async () => {
    faults.decide = () => null;
    for (const close of closers.splice(0).toReversed()) await close();
  });
  after(async () => {
    client?.close();
    await faults?.stop();
    await api?.stop();
  });

  const connect = (config = faults.kubeconfig(api.adminToken)): Client =>
    connectApi({ kubeconfig: config, userAgent: 'test' }).api;

  const namespace = async (): Promise<string> => {
    const name = `n${++namespaces}`;
    await api.client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  };

  function open(options: Partial<ResourceWatchOptions<KubeObject>> = {}) {
    const told: string[] = [];
    const wakers = new Set<() => void>();
    const wake = () => {
      for (const each of wakers) each();
    };
    const watch = new ResourceWatch<KubeObject>({
      api: client,
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
    closers.push(() => watch.close());
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
    const already = faults.connections;
    const ns = await namespace();
    await api.client.create(`/api/v1/namespaces/${ns}/configmaps`, configMap('a'));
    const watches = Array.from({ length: 150 }, () => open({ namespace: ns }));
    await Promise.all(watches.map(({ watch }) => watch.whenSynced));
    await api.client.create(`/api/v1/namespaces/${ns}/configmaps`, configMap('b'));
    await Promise.all(watches.map(({ watch, until }) => until(() => watch.get(`${ns}/b`) !== undefined)));
    assert.ok(faults.connections - already <= 4, `${faults.connections - already} connections`);
  });

  test('a server that speaks HTTP/1.1 alone', async () => {
    const at = (name: string) => readFileSync(join(api.directory, 'certificates', name));
    const versions = new Set<string>();
    const server = createServer({ cert: at('apiserver.crt'), key: at('apiserver.key') }, (request, response) => {
      versions.add(request.httpVersion);
      response.end('{"metadata":{"resourceVersion":"1"},"items":[]}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const path = join(api.directory, 'http1-kubeconfig');
    writeFileSync(path, kubeconfig({ url, ca: api.ca, token: 'x' }));
    const old = connect(path);
    assert.deepEqual(await old.call('GET', '/api/v1/x'), { metadata: { resourceVersion: '1' }, items: [] });
    await old.call('GET', '/api/v1/x');
    old.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual([...versions], ['1.1']);
  });

  test('410 as a status and in an event, 500, resets and stalls, three hundred in all: afterwards both hold the same', async () => {
    const ns = await namespace();
    const path = `/api/v1/namespaces/${ns}/configmaps`;
    const { watch, until } = open({ namespace: ns, timing: { least: 1000, most: 1000, grace: 100 } });
    await watch.whenSynced;
    let round = 0;
    const enough = Promise.withResolvers<void>();
    faults.decide = ({ watch: is, path: asked }) => {
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
    faults.reset();
    let writes = 0;
    const writer = { over: false };
    const writing = (async () => {
      while (!writer.over) {
        const name = `c${writes % 20}`;
        if (writes++ % 7 === 6) await api.client.request('DELETE', `${path}/${name}`).catch(() => undefined);
        else await api.client.apply(`${path}/${name}`, configMap(name, String(writes)));
      }
    })();
    await enough.promise;
    writer.over = true;
    await writing;
    await api.client.create(path, configMap('last'));
    await until(() => watch.get(`${ns}/last`) !== undefined);
    const there = await api.client.list<KubeObject>(path);
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
    const ns = await namespace();
    const path = `/api/v1/namespaces/${ns}/configmaps`;
    await api.client.create(path, configMap('a'));
    const { watch, until } = open({ namespace: ns });
    await watch.whenSynced;
    await faults.down();
    await api.stopServer();
    await api.startServer();
    await api.restartEtcd();
    assert.equal(watch.view.size, 1);
    await api.client.create(path, configMap('b'));
    await faults.up();
    await until(() => watch.view.size === 2);
  });

  test('an empty list of a server in trouble is not believed', async () => {
    const ns = await namespace();
    const path = `/api/v1/namespaces/${ns}/configmaps`;
    for (const name of ['a', 'b', 'c']) await api.client.create(path, configMap(name));
    const { watch, told, until } = open({ namespace: ns });
    await watch.whenSynced;
    told.length = 0;
    let lies = 1;
    faults.decide = ({ path: asked, watch: is }) => {
      if (!asked.startsWith(path)) return null;
      if (is && lies > 0) return { kind: 'Status', status: 410, reason: 'Expired' };
      return !is && lies-- > 0 ? { kind: 'EmptyList' } : null;
    };
    faults.reset();
    await api.client.create(path, configMap('d'));
    await until(() => watch.view.size === 4);
    assert.deepEqual(told, [`${ns}/d`]);
  });

  test('metadata alone, by label; a kind that is not installed', async () => {
    const ns = await namespace();
    const labelled = { ...configMap('a', 'x'), metadata: { name: 'a', labels: { is: 'wanted' } } };
    await api.client.create(`/api/v1/namespaces/${ns}/configmaps`, labelled);
    await api.client.create(`/api/v1/namespaces/${ns}/configmaps`, configMap('b'));
    const { watch, until } = open({ namespace: ns, labelSelector: 'is=wanted', metadataOnly: true });
    await watch.whenSynced;
    assert.deepEqual([...watch.view.keys()], [`${ns}/a`]);
    assert.equal(watch.get(`${ns}/a`)?.['data'], undefined);
    await api.client.create(`/api/v1/namespaces/${ns}/configmaps`, {
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
    const ns = await namespace();
    const path = `/api/v1/namespaces/${ns}`;
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
    await api.client.create(`${path}/serviceaccounts`, { metadata: { name: 'reader' } });
    for (const name of ['a', 'b'])
      await api.client.create(`${path}/secrets`, { metadata: { name }, stringData: { k: name } });
    const rules = [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['a', 'late'], verbs: ['get', 'list', 'watch'] },
    ];
    await api.client.create(`${rbac}/roles`, { metadata: { name: 'r' }, rules });
    await api.client.create(`${rbac}/rolebindings`, {
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: ns }],
    });
    const reader = connect(faults.kubeconfig(await api.tokenOf(ns, 'reader')));
    closers.push(() => reader.close());
    let wake: () => void = Object;
    const watches = new NamedWatches<KubeObject>({
      api: reader,
      resource: SECRETS,
      keep: withoutBallast,
      log,
      timing: QUICK,
      onKeys: () => wake(),
    });
    closers.push(() => watches.close());
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
    await api.client.create(`${path}/secrets`, { metadata: { name: 'late' }, stringData: { k: 'late' } });
    while (watches.view.size < 2) await new Promise<void>((resolve) => (wake = resolve));
    await api.client.delete(`${path}/secrets/a`);
    while (watches.view.size > 1) await new Promise<void>((resolve) => (wake = resolve));
    watches.want(new Set());
    assert.equal(watches.view.size, 0);
  });

  test('a status is written with the version it was made of; with an older one it is a conflict', async () => {
    const ns = await namespace();
    const path = `/apis/tcpvs.io/v1alpha1/namespaces/${ns}/realservers`;
    const spec = { address: '10.0.0.1', port: 80 };
    const made = await api.client.create<KubeObject>(path, {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'RealServer',
      metadata: { name: 'w' },
      spec,
    });
    const write = (resourceVersion: string, reason: string) =>
      applyStatus(client, {
        resource: SERVERS,
        namespace: ns,
        name: 'w',
        resourceVersion,
        fieldManager: 'tcpvs',
        status: {
          observedGeneration: 1,
          conditions: [
            {
              type: 'Ready',
              status: 'True',
              reason,
              message: 'x',
              observedGeneration: 1,
              lastTransitionTime: '2026-01-01T00:00:00Z',
            },
          ],
        },
      });
    const first = made.metadata.resourceVersion ?? '';
    const second = await write(first, 'One');
    assert.notEqual(second, first);
    await assert.rejects(write(first, 'Two'), isConflict);
    assert.equal(await write(second, 'One'), second);
    const now = await api.client.get(`${path}/w`);
    assert.deepEqual(now.spec.address, '10.0.0.1');
    const said = now.status.conditions.map((each: { type: string; reason: string }) => `${each.type} ${each.reason}`);
    // by default; nobody owns it, so that it stays until somebody says otherwise
    assert.deepEqual(said, ['Accepted Pending', 'Ready One']);
  });

  test('election: one leads; when it gives up, the other one does', async () => {
    const ns = await namespace();
    const events: string[] = [];
    let wake: () => void = Object;
    const candidate = (identity: string) => {
      const election = new LeaderElection({
        api: client,
        namespace: ns,
        name: 'lease',
        identity,
        log,
        onChange: (leading) => {
          events.push(`${identity} ${leading}`);
          wake();
        },
      });
      closers.push(() => election.close());
      election.start();
      return election;
    };
    const a = candidate('a');
    while (!a.leading) await new Promise<void>((resolve) => (wake = resolve));
    const b = candidate('b');
    await a.close();
    while (!b.leading) await new Promise<void>((resolve) => (wake = resolve));
    assert.deepEqual(events, ['a true', 'a false', 'b true']);
    const lease = await api.client.get(`/apis/coordination.k8s.io/v1/namespaces/${ns}/leases/lease`);
    assert.equal(lease.spec.holderIdentity, 'b');
    assert.match(lease.spec.renewTime, /^\d{4}-.*T.*\.\d{6}Z$/);
  });

  test('tokens: only of the one account, for the audience, bound to a pod', async () => {
    const ns = await namespace();
    for (const name of ['proxy', 'other'])
      await api.client.create(`/api/v1/namespaces/${ns}/serviceaccounts`, { metadata: { name } });
    const pod = await api.client.create(`/api/v1/namespaces/${ns}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { serviceAccountName: 'proxy', containers: [{ name: 'c', image: 'x' }] },
    });
    const reviewer = createTokenReviewer({
      api: client,
      audience: 'tcpvs',
      username: `system:serviceaccount:${ns}:proxy`,
    });
    const good = await reviewer.review(await api.tokenOf(ns, 'proxy', { audience: 'tcpvs', pod }));
    assert.ok(good.ok);
    assert.equal(good.podUid, pod.metadata.uid);
    assert.equal(good.podName, 'p');
    assert.ok(good.expires > Date.now() + 3_000_000 && good.expires < Date.now() + 4_000_000);
    const refused = async (token: Promise<string> | string) => {
      const review = await reviewer.review(await token);
      assert.ok(!review.ok);
      return review.why;
    };
    assert.match(
      await refused(api.tokenOf(ns, 'other', { audience: 'tcpvs' })),
      /is of system:serviceaccount:.*:other/,
    );
    assert.match(await refused(api.tokenOf(ns, 'proxy', { audience: 'tcpvs' })), /not bound to a pod/);
    assert.match(await refused(api.tokenOf(ns, 'proxy', { audience: 'else', pod })), /./);
    assert.match(await refused('rubbish'), /./);
  });

  test('events: one for what happened, a number for what happened again', async () => {
    const ns = await namespace();
    const made = await api.client.create<KubeObject>(`/api/v1/namespaces/${ns}/configmaps`, configMap('a'));
    const recorder = new EventRecorder({ api: client, controller: 'tcpvs.io/controller', instance: 'pod-1', log });
    closers.push(() => recorder.close());
    const regarding = { apiVersion: 'v1', kind: 'ConfigMap', metadata: made.metadata };
    const happening = {
      regarding,
      type: 'Warning',
      reason: 'Refused',
      action: 'Accept',
      note: 'ü'.repeat(2000),
    } as const;
    recorder.record(happening);
    recorder.record(happening);
    recorder.record({ ...happening, reason: 'Accepted', type: 'Normal', note: 'well' });
    await recorder.whenWritten();
    const events = await api.client.list(`/apis/events.k8s.io/v1/namespaces/${ns}/events`);
    assert.deepEqual(events.map(({ reason, type }) => `${reason} ${type}`).toSorted(), [
      'Accepted Normal',
      'Refused Warning',
    ]);
    assert.equal(recorder.dropped, 0);
    const described = await api.kubectl(['-n', ns, 'get', 'events', '-o', 'wide']);
    assert.match(described.stdout, /configmap\/a/);
  });

  test('revisions: written once, read, deleted; the same again is no error', async () => {
    const ns = await namespace();
    const made = await api.client.create<KubeObject>(`/api/v1/namespaces/${ns}/configmaps`, configMap('a'));
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: made.metadata.uid ?? '', controller: true };
    const revision = { namespace: ns, name: 'r', owner, labels: { a: 'b' }, number: 3, data: { spec: { x: 1 } } };
    await createRevision(client, revision);
    await createRevision(client, revision);
    assert.deepEqual(await readRevision(client, ns, 'r'), { spec: { x: 1 } });
    await deleteRevision(client, ns, 'r');
    await deleteRevision(client, ns, 'r');
    assert.equal(await readRevision(client, ns, 'r'), null);
  });
});
