/** `tcpvs controller` against a real API server, with proxies that say what they serve. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { newAuthorities } from '../../src/delivery/certificates/authorities.ts';
import { issueCertificate } from '../../src/delivery/certificates/issue.ts';
import type { KubeObject } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { createStage, type Stage } from './controller-stage.ts';
import { installCrds } from './crds.ts';
import { until } from './follow.ts';

const GROUP = '/apis/tcpvs.io/v1alpha1';
const object = (kind: string, name: string, spec: object) => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind,
  metadata: { name },
  spec,
});
const virtualServer = (name: string, spec: object = {}) =>
  object('TcpVirtualServer', name, {
    listeners: [{ name: 'web', port: 8000, protocol: 'HTTP' }],
    servers: [{ server: 'web1', weight: 1 }],
    ...spec,
  });

const served = (proxy: { pieces: ReadonlyMap<string, Record<string, any>> }) =>
  [...proxy.pieces.values()]
    .filter(({ kind }) => kind === 'Service')
    .flatMap(({ endpoints: all }) => (all as { address: string }[]).map(({ address }) => address));
const rule = (value: string) => ({
  rules: [{ name: 'r', match: { path: { type: 'Regex', value } }, servers: [{ server: 'web1' }] }],
});

const conditionOf = (found: KubeObject | undefined, type: string) =>
  (found?.status?.conditions as { type: string; status: string; reason: string; message: string }[] | undefined)?.find(
    (condition) => condition.type === type,
  );

/** Groups of the API, all that a controller needs but the one that has Secrets. */
const WITHOUT_SECRETS = [
  'tcpvs.io',
  'apps',
  'authentication.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'gateway.networking.k8s.io',
  'networking.k8s.io',
];
const PORT_8001 = [{ name: 'x', port: 8001, protocol: 'HTTP' }];

describe('the controller on a real API', { skip: skipReason('api') }, () => {
  let api: Api;
  let stages = 0;
  let stage: Stage;
  before(async () => {
    api = await startApi();
    await installCrds(api);
  });
  afterEach(() => stage?.close());
  after(() => api?.stop());

  const open = async () => {
    stage = await createStage(api, `c${++stages}`);
    return stage;
  };
  const at = (plural: string) => `${GROUP}/namespaces/${stage.namespace}/${plural}`;
  const create = (plural: string, made: object) => api.client.create(at(plural), made);
  /** Resolves when a condition of an object is as wished. */
  const condition = async (plural: string, name: string, type: string, wished: string) => {
    const is = (all: readonly KubeObject[]) => {
      const found = conditionOf(
        all.find(({ metadata }) => metadata.name === name),
        type,
      );
      return `${found?.status} ${found?.reason}` === wished;
    };
    const all = await until(api.client, at(plural), is);
    return all.find(({ metadata }) => metadata.name === name);
  };
  const service = async () => {
    const core = `/api/v1/namespaces/${stage.namespace}`;
    await api.client.create(`${core}/services`, {
      metadata: { name: 'shop' },
      spec: { selector: {}, ports: [{ port: 80 }] },
    });
    await endpoints(['10.1.0.1']);
  };
  const endpoints = (addresses: readonly string[]) =>
    api.client.apply(`/apis/discovery.k8s.io/v1/namespaces/${stage.namespace}/endpointslices/shop-1`, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'shop-1', labels: { 'kubernetes.io/service-name': 'shop' } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080 }],
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    });
  const demo = async () => {
    await service();
    await create('realservers', object('RealServer', 'web1', { serviceRef: { name: 'shop' } }));
    await create('tcpvirtualservers', virtualServer('http'));
  };
  test('objects, Service and endpoints become a snapshot; what proxies acknowledge becomes their status', async () => {
    const { controller: start, proxy: join } = await open();
    const controller = await start();
    await demo();
    await condition('tcpvirtualservers', 'http', 'Programmed', 'False NoProxies');
    const proxy = await join();
    await proxy.until(() => served(proxy).length === 1);
    assert.deepEqual(served(proxy), ['10.1.0.1']);
    const ready = await condition('tcpvirtualservers', 'http', 'Ready', 'True Ready');
    assert.deepEqual(ready?.status.replicas, { programmed: 1, total: 1 });
    assert.equal(ready?.status.observedGeneration, 1);
    assert.equal(conditionOf(ready, 'Reconciling'), undefined);
    await endpoints(['10.1.0.1', '10.1.0.2']);
    await proxy.until(() => served(proxy).length === 2);
    assert.deepEqual(served(proxy), ['10.1.0.1', '10.1.0.2']);
    await condition('realservers', 'web1', 'Ready', 'True Ready');
    const waited = await api.kubectl([
      '-n',
      stage.namespace,
      'wait',
      '--for=condition=Ready',
      'tvs,rsv',
      '--all',
      '--timeout=30s',
    ]);
    assert.equal(waited.code, 0, waited.stderr);
    assert.match(proxy.keys?.cookies[0] ?? '', /^[0-9a-f]{64}$/);
    assert.equal((await controller.get('/readyz')).status, 200);
    const { text } = await controller.get('/metrics');
    assert.match(text, /^tcpvs_leader_election_status 1$/m);
    assert.match(text, /^tcpvs_proxies_ready 1$/m);
    assert.match(text, /^tcpvs_objects\{kind="TcpVirtualServer",status="ready"\} 1$/m);
    assert.match(text, /^tcpvs_config_propagation_seconds_count [1-9]/m);
    assert.equal(await controller.end(), 0);
  });

  test('a Secret that may not be read is told from one that is not there, with what permits it', async () => {
    const { controller: start, namespace } = await open();
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const account = { kind: 'ServiceAccount', name: 'careful', namespace };
    const grant = async (place: string, kind: string, name: string, rules: readonly object[]) => {
      const plural = kind.toLowerCase();
      await api.client.create(`${place}/${plural}s`, { metadata: { name }, rules });
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name };
      await api.client.create(`${place}/${plural}bindings`, { metadata: { name }, roleRef, subjects: [account] });
    };
    await api.client.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'careful' } });
    await grant(rbac, 'ClusterRole', `no-secrets-${namespace}`, [
      { apiGroups: WITHOUT_SECRETS, resources: ['*'], verbs: ['*'] },
      { apiGroups: [''], resources: ['services', 'nodes', 'configmaps'], verbs: ['*'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['tcpvs-ca', 'tcpvs-keys'], verbs: ['*'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['create'] },
    ]);
    await start([], api.as(await api.tokenOf(namespace, 'careful')).kubeconfig);
    await demo();
    const tls = { certificateRefs: [{ name: 'shop-tls' }] };
    await create(
      'tcpvirtualservers',
      virtualServer('secure', { listeners: [{ ...PORT_8001[0], protocol: 'HTTPS', tls }] }),
    );
    const denied = await condition('tcpvirtualservers', 'secure', 'ResolvedRefs', 'False SecretNotReadable');
    const { message = '' } = conditionOf(denied, 'ResolvedRefs') ?? {};
    assert.match(
      message,
      new RegExp(`Secret ${namespace}/shop-tls: the controller may not read it; bind a Role in ${namespace}`),
    );
    assert.match(message, /resourceNames \[shop-tls\].*secrets\.named or secrets\.namespaces/);
    await grant(`${rbac}/namespaces/${namespace}`, 'Role', 'shop-tls', [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['shop-tls'], verbs: ['list', 'watch'] },
    ]);
    await condition('tcpvirtualservers', 'secure', 'ResolvedRefs', 'False CertificateNotFound');
    const names = { names: ['shop.example'], addresses: [], now: new Date() };
    const { certificate, privateKey } = issueCertificate(newAuthorities(new Date()), names);
    await api.client.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: 'shop-tls' },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate, 'tls.key': privateKey },
    });
    await condition('tcpvirtualservers', 'secure', 'ResolvedRefs', 'True ResolvedRefs');
  });

  test('a port that the proxies’ Service does not have, and one that proxies could not bind', async () => {
    const { controller: start, proxy: join } = await open();
    await start();
    await demo();
    await join({
      program: (snapshot) => ({ snapshot, listeners: [{ address: '::', port: 8001, error: 'address in use' }] }),
    });
    await create(
      'tcpvirtualservers',
      virtualServer('hidden', { listeners: [{ name: 'x', port: 9999, protocol: 'HTTP' }] }),
    );
    await condition('tcpvirtualservers', 'hidden', 'Programmed', 'False PortNotExposed');
    await create(
      'tcpvirtualservers',
      virtualServer('taken', { listeners: [{ name: 'x', port: 8001, protocol: 'HTTP' }] }),
    );
    await condition('tcpvirtualservers', 'taken', 'Programmed', 'False PortUnavailable');
    await condition('tcpvirtualservers', 'http', 'Programmed', 'True Programmed');
  });

  test('a bad object keeps its last good version; what it says now is told; others are not touched', async () => {
    const { controller: start, proxy: join } = await open();
    await start();
    await demo();
    const proxy = await join();
    await create(
      'tcpvirtualservers',
      virtualServer('other', { ...rule('/good'), listeners: [{ name: 'x', port: 8001, protocol: 'HTTP' }] }),
    );
    await condition('tcpvirtualservers', 'other', 'Programmed', 'True Programmed');
    const piece = () => proxy.pieces.get(`VirtualServer ${stage.namespace}/other`);
    assert.equal(piece()?.['rules'][0].match.path.value, '/good');
    await api.client.patch(`${at('tcpvirtualservers')}/other`, { spec: rule('(?=x)') });
    const bad = await condition('tcpvirtualservers', 'other', 'Stalled', 'True InvalidPattern').catch((error) => error);
    assert.equal(piece()?.['rules'][0].match.path.value, '/good', JSON.stringify(bad?.status));
    await condition('tcpvirtualservers', 'http', 'Ready', 'True Ready');
    const events = await until(api.client, `/apis/events.k8s.io/v1/namespaces/${stage.namespace}/events`, (all) =>
      all.some(({ regarding, type }) => regarding.name === 'other' && type === 'Warning'),
    );
    assert.ok(events.length > 0);
  });

  test('what was good is served by a controller that has never seen it; no longer than its object is there', async () => {
    const { controller: start, proxy: join } = await open();
    const one = await start();
    await demo();
    await create('tcpvirtualservers', virtualServer('other', { ...rule('/good'), listeners: PORT_8001 }));
    await until(api.client, `/apis/apps/v1/namespaces/${stage.namespace}/controllerrevisions`, (all) => {
      const names = all.map(({ metadata }) => (metadata['ownerReferences'] as { name: string }[])[0]?.name ?? '');
      return ['web1', 'http', 'other'].every((name) => names.includes(name));
    });
    await one.end('SIGKILL');
    await api.client.patch(`${at('tcpvirtualservers')}/other`, { spec: rule('(?=x)') });
    await start();
    const proxy = await join();
    const piece = () => proxy.pieces.get(`VirtualServer ${stage.namespace}/other`);
    await proxy.until(() => piece() !== undefined);
    assert.equal(piece()?.['rules'][0].match.path.value, '/good');
    await condition('tcpvirtualservers', 'other', 'Accepted', 'False InvalidPattern');
    await api.client.delete(`${at('tcpvirtualservers')}/other`);
    await proxy.until(() => piece() === undefined);
  });

  test('two replicas: both serve, one writes; when it is ended the other one goes on', async () => {
    const { controller: start, proxy: join } = await open();
    const one = await start();
    const two = await start();
    await demo();
    const first = await join();
    const second = await join();
    await condition('tcpvirtualservers', 'http', 'Ready', 'True Ready');
    await Promise.all([first, second].map((proxy) => proxy.until(() => served(proxy).length === 1)));
    assert.equal(first.snapshot, second.snapshot);
    assert.equal(await one.end(), 0);
    await two.line(({ msg }) => msg === 'leading');
    await endpoints(['10.1.0.9']);
    await second.until(() => served(second).includes('10.1.0.9'));
  });
});
