/** What tenants may and may not, on a real API: grants, Secrets, the operator's policy, and what is taken back acts at once. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import type { AcknowledgingProxy } from './acknowledging-proxy.ts';
import type { KubeObject } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { createStage, type Stage } from './controller-stage.ts';
import { GATEWAY, installCrds, installGrants } from './crds.ts';
import { until } from './follow.ts';

const GROUP = '/apis/tcpvs.io/v1alpha1';

describe('what tenants may, on a real API', { skip: skipReason('api') }, () => {
  let api: Api;
  let stages = 0;
  let stage: Stage;
  let proxy: AcknowledgingProxy;
  before(async () => {
    api = await startApi();
    await installCrds(api);
    await installGrants(api);
  });
  afterEach(() => stage?.close());
  after(() => api?.stop());

  /** A controller that watches the stage's namespace, and `other`, and a proxy of it. */
  const open = async (args: readonly string[] = []) => {
    stage = await createStage(api, `p${++stages}`);
    const other = `${stage.namespace}-other`;
    await api.client.create('/api/v1/namespaces', { metadata: { name: other } });
    await stage.controller([`--watch-namespaces=${stage.namespace},${other}`, ...args]);
    proxy = await stage.proxy();
    return { own: stage.namespace, other };
  };
  const create = (kind: string, plural: string, namespace: string, name: string, spec: object) =>
    api.client.create(`${GROUP}/namespaces/${namespace}/${plural}`, {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind,
      metadata: { name },
      spec,
    });
  const service = async (namespace: string, name: string, endpoints: readonly { address: string; node?: string }[]) => {
    const spec = { selector: {}, ports: [{ port: 80 }] };
    await api.client.create(`/api/v1/namespaces/${namespace}/services`, { metadata: { name }, spec });
    await api.client.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
      metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080 }],
      endpoints: endpoints.map(({ address, node }) => ({
        addresses: [address],
        conditions: { ready: true },
        ...(node === undefined ? {} : { nodeName: node }),
      })),
    });
  };
  const piece = (kind: string, namespace: string, name: string) => proxy.pieces.get(`${kind} ${namespace}/${name}`);
  const said = (plural: string, namespace: string, name: string, type: string, wished: string) =>
    until(api.client, `${GROUP}/namespaces/${namespace}/${plural}`, (all) => {
      const found = all.find(({ metadata }) => metadata.name === name);
      return conditionText(found, type) === wished;
    });

  test('a pool of nodes is those that have the labels now', async () => {
    const { own } = await open();
    for (const [name, pool] of Object.entries({ n1: 'web', n2: 'web', n3: 'db' })) {
      await api.client.create('/api/v1/nodes', { metadata: { name, labels: { pool } } });
    }
    const endpoints = ['n1', 'n2', 'n3'].map((node, index) => ({ address: `10.1.0.${index + 1}`, node }));
    await service(own, 'shop', endpoints);
    await create('RealServer', 'realservers', own, 'pool', { nodeSelector: { pool: 'web' } });
    await create('AppWeightMatrix', 'appweightmatrices', own, 'm', {
      apps: [{ name: 'shop', serviceRef: { name: 'shop' } }],
      rows: [{ server: 'pool', weights: [{ app: 'shop', weight: 1 }] }],
    });
    const nodes = () => piece('RealServer', own, 'pool')?.['nodes'] as string[] | undefined;
    await proxy.until(() => piece('Service', own, 'shop:80')?.['endpoints'].length === 3);
    assert.deepEqual(nodes(), ['n1', 'n2']);
    await api.client.patch('/api/v1/nodes/n2', { metadata: { labels: { pool: 'db' } } });
    await proxy.until(() => nodes()?.length === 1);
    await api.client.patch('/api/v1/nodes/n3', { metadata: { labels: { pool: 'web' } } });
    await proxy.until(() => nodes()?.join() === 'n1,n3');
    await api.client.delete('/api/v1/nodes/n1');
    await api.client.delete('/api/v1/nodes/n3');
    await said('realservers', own, 'pool', 'ResolvedRefs', 'False NodeNotFound');
    assert.deepEqual(nodes(), []);
  });

  test('a Service of another namespace serves as long as it is granted, whatever the last good version was', async () => {
    const { own, other } = await open();
    await service(other, 'shared', [{ address: '10.1.0.1' }]);
    await create('RealServer', 'realservers', own, 'far', { serviceRef: { name: 'shared', namespace: other } });
    await said('realservers', own, 'far', 'ResolvedRefs', 'False RefNotPermitted');
    await proxy.until(() => piece('RealServer', own, 'far')?.['service'] === null);

    const grants = `/apis/${GATEWAY}/v1beta1/namespaces/${other}/referencegrants`;
    await api.client.create(grants, {
      apiVersion: `${GATEWAY}/v1beta1`,
      kind: 'ReferenceGrant',
      metadata: { name: 'shop' },
      spec: { from: [{ group: 'tcpvs.io', kind: 'RealServer', namespace: own }], to: [{ group: '', kind: 'Service' }] },
    });
    await proxy.until(() => piece('RealServer', own, 'far')?.['service'] === `${other}/shared:80`);
    await said('realservers', own, 'far', 'ResolvedRefs', 'True ResolvedRefs');

    await api.client.delete(`${grants}/shop`);
    await proxy.until(() => piece('RealServer', own, 'far')?.['service'] === null);
    assert.equal(piece('Service', other, 'shared:80'), undefined);
    await said('realservers', own, 'far', 'ResolvedRefs', 'False RefNotPermitted');
  });

  test('a certificate serves as long as its Secret is there, and one that cannot serve is told', async () => {
    const { own } = await open();
    const { certificate, privateKey } = makeAuthority().issue({ names: ['shop.example'] });
    const secrets = `/api/v1/namespaces/${own}/secrets`;
    const secret = (key: string) => ({
      metadata: { name: 'shop' },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': certificate, 'tls.key': key },
    });
    await create('TcpVirtualServer', 'tcpvirtualservers', own, 'https', {
      listeners: [{ name: 'l', port: 8001, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'shop' }] } }],
    });
    await said('tcpvirtualservers', own, 'https', 'Programmed', 'False NoCertificate');
    await api.client.create(secrets, secret(privateKey));
    await proxy.until(() => piece('Certificate', own, 'shop')?.['privateKey'] === privateKey);
    await said('tcpvirtualservers', own, 'https', 'Ready', 'True Ready');

    const wrong = makeAuthority().issue({ names: ['shop.example'] }).privateKey;
    await api.client.patch(`${secrets}/shop`, { stringData: { 'tls.key': wrong } });
    await said('tcpvirtualservers', own, 'https', 'ResolvedRefs', 'False InvalidCertificate');
    assert.equal(piece('Certificate', own, 'shop')?.['privateKey'], privateKey, 'the last good one serves');
    await api.client.patch(`${secrets}/shop`, { stringData: { 'tls.key': privateKey } });
    await said('tcpvirtualservers', own, 'https', 'Ready', 'True Ready');

    await api.client.delete(`${secrets}/shop`);
    await proxy.until(() => piece('VirtualServer', own, 'https') === undefined);
    assert.equal(piece('Certificate', own, 'shop'), undefined);
    await said('tcpvirtualservers', own, 'https', 'ResolvedRefs', 'False CertificateNotFound');
  });

  test('hosts and addresses are what the operator’s policy lets a namespace have, from one version to the next', async () => {
    const path = join(api.directory, 'policy.yaml');
    const policy = (own: string, hosts: string, cidrs: string) => {
      const namespaces = `namespaces: [${own}]`;
      writeFileSync(
        path,
        `hostPolicy: [{${namespaces}, hosts: [${hosts}]}]\naddressPolicy: [{${namespaces}, cidrs: [${cidrs}]}]\n`,
      );
    };
    const name = `p${stages + 1}`;
    policy(name, "'*.shop.example'", '192.0.2.0/24');
    const { own, other } = await open([`--policy=${path}`]);
    assert.equal(own, name);
    const spec = { listeners: [{ name: 'l', port: 8000 }], rules: [ruleOf('a.shop.example')] };
    await create('TcpVirtualServer', 'tcpvirtualservers', other, 'thief', spec);
    await said('tcpvirtualservers', other, 'thief', 'Accepted', 'False HostNotAllowed');
    await create('RealServer', 'realservers', own, 'legacy', { address: '192.0.2.7', port: 80 });
    await create('TcpVirtualServer', 'tcpvirtualservers', own, 'shop', spec);
    // The older one is not in the way: it may not have the host.
    await said('tcpvirtualservers', own, 'shop', 'Accepted', 'True Accepted');
    const hosts = () => piece('VirtualServer', own, 'shop')?.['listeners'][0].hosts as string[] | undefined;
    await proxy.until(() => hosts()?.join() === 'a.shop.example');
    assert.deepEqual(piece('RealServer', own, 'legacy')?.['endpoints'][0].endpoints, [
      { address: '192.0.2.7', port: 80 },
    ]);

    writeFileSync(path, 'hostPolicy: [{namespaces: [x]}]\n');
    await create('RealServer', 'realservers', own, 'metadata', { address: '169.254.169.254', port: 80 });
    await said('realservers', own, 'metadata', 'Accepted', 'False AddressNotAllowed');
    assert.deepEqual(hosts(), ['a.shop.example'], 'a faulty policy changes nothing');

    policy(own, "'*.other.example'", '198.51.100.0/24');
    await proxy.until(() => piece('VirtualServer', own, 'shop') === undefined);
    assert.deepEqual(piece('RealServer', own, 'legacy')?.['endpoints'], []);
    await said('tcpvirtualservers', own, 'shop', 'Accepted', 'False HostNotAllowed');
    await said('realservers', own, 'legacy', 'Accepted', 'False AddressNotAllowed');
  });
});

const ruleOf = (host: string) => ({ name: 'r', match: { hosts: [host] }, servers: [{ server: 'legacy' }] });

const conditionText = (found: KubeObject | undefined, type: string): string => {
  const conditions = (found?.status?.conditions ?? []) as { type: string; status: string; reason: string }[];
  const condition = conditions.find((each) => each.type === type);
  return `${condition?.status} ${condition?.reason}`;
};
