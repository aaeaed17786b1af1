/** The chart and deploy/ against a real API server: what it accepts, upgrades, several releases. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { CHART } from '../../charts/tools/helm.ts';
import type { KubeObject } from '../cluster/api-client.ts';
import type { Api } from '../cluster/api.ts';
import { skipReason } from '../cluster/binaries.ts';
import { eventually, install, type Installed, NAMESPACE, TCPVS } from './installed.ts';
import { fromText, rendered } from './stage.ts';

const DEPLOY = join(import.meta.dirname, '../../deploy');
const FILES = ['namespace', 'crds', 'policy', 'rbac', 'controller', 'proxy'];

const deployed = () => fromText(FILES.map((file) => readFileSync(join(DEPLOY, `${file}.yaml`), 'utf8')).join('---\n'));

const SECRET = `/api/v1/namespaces/${NAMESPACE}/secrets/tcpvs-ca`;
const DATA = { 'tls.key': 'a2V5' };

describe('the chart on a real API', { skip: skipReason('cluster') }, () => {
  let installed: Installed;
  let api: Api;
  let helm: Installed['helm'];
  let tryHelm: Installed['tryHelm'];

  before(async () => {
    installed = await install();
    ({ api, helm, tryHelm } = installed);
  });
  after(() => installed?.stop());

  it('every pod is admitted where only restricted ones are', async () => {
    const pods = [...rendered({}, { release: 'x', namespace: NAMESPACE }).pods(), ...deployed().pods()];
    assert.equal(pods.length, 5);
    for (const [name, { metadata, spec }] of pods) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: metadata.labels }, spec };
      await api.client.create('/api/v1/namespaces/other/pods?dryRun=All&fieldValidation=Strict', pod);
    }
  });

  it('all that any values make is valid, to the field', async () => {
    const ports = [{ name: 'http', port: 8080, nodePort: 30_080, appProtocol: 'http' }];
    const variants = [
      { watchNamespaces: ['shop'], secrets: { namespaces: ['other'], named: [{ namespace: 'shop', names: ['tls'] }] } },
      {
        proxy: {
          kind: 'DaemonSet',
          hostNetwork: true,
          service: { ports, type: 'NodePort', externalTrafficPolicy: 'Local' },
        },
      },
      {
        networkPolicy: { metricsFrom: [{ namespaceSelector: { matchLabels: { team: 'metrics' } } }] },
        proxy: {
          autoscaling: { enabled: true },
          maxSurge: '25%',
          service: {
            ports,
            loadBalancerClass: 'example.io/class',
            loadBalancerSourceRanges: ['192.0.2.0/24'],
            internalTrafficPolicy: 'Local',
            ipFamilyPolicy: 'SingleStack',
            ipFamilies: ['IPv4'],
          },
        },
      },
    ];
    for (const [index, values] of variants.entries()) {
      const { objects } = rendered(
        { ...values, crds: { install: false } },
        { release: `v${index}`, namespace: NAMESPACE },
      );
      const text = objects.map((object) => JSON.stringify(object)).join('\n---\n');
      const { code, stderr } = await api.kubectl(
        ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'],
        text,
      );
      assert.equal(code, 0, stderr);
      // Nothing is deprecated, and only the host's network is more than a restricted namespace takes.
      const warnings = stderr.split('\n').filter((line) => line !== '' && !line.includes('(hostNetwork=true)'));
      assert.deepEqual(warnings, []);
    }
  });

  it('an upgrade brings new fields of the CRDs, and keeps what the controller filled in', async () => {
    await api.client.patch(SECRET, { data: DATA });
    const next = join(api.directory, 'next');
    cpSync(CHART, next, { recursive: true });
    const file = join(next, 'templates/crds/tcpvs.io_realservers.yaml');
    const crd = readFileSync(file, 'utf8');
    writeFileSync(file, crd.replace('    shortNames:\n', '    shortNames:\n      - nextrsv\n'));
    const chart = readFileSync(join(next, 'Chart.yaml'), 'utf8');
    writeFileSync(join(next, 'Chart.yaml'), chart.replace('version: 0.1.0', 'version: 0.2.0'));
    await helm('upgrade', 'tcpvs', next);
    const upgraded = await api.client.get(
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/realservers.tcpvs.io',
    );
    assert.ok(upgraded.spec.names.shortNames.includes('nextrsv'));
    const filled = await api.client.get(SECRET);
    assert.deepEqual(filled['data'], DATA);
    await helm('rollback', 'tcpvs', '1');
    const kept = await api.client.get(SECRET);
    assert.deepEqual(kept['data'], DATA);
  });

  it('switching autoscaling on keeps the replicas that there are', async () => {
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/tcpvs-proxy`;
    await helm('upgrade', 'tcpvs', CHART, '--set', 'proxy.replicas=7');
    await helm('upgrade', 'tcpvs', CHART, '--set', 'proxy.autoscaling.enabled=true');
    assert.equal((await api.client.get(path)).spec.replicas, 7);
    // What an autoscaler does.
    await api.client.patch(`${path}/scale`, { spec: { replicas: 4 } });
    await helm('upgrade', 'tcpvs', CHART, '--set', 'proxy.autoscaling.enabled=true');
    assert.equal((await api.client.get(path)).spec.replicas, 4);
  });

  it('a second installation leaves the CRDs to the first', async () => {
    const { code, stderr } = await tryHelm('install', 'second', CHART, '--set', 'className=second');
    assert.notEqual(code, 0);
    assert.match(stderr, /CustomResourceDefinition .* exists and cannot be imported .*release-name.* "second"/s);
    await helm('install', 'second', CHART, '--set', 'className=second,crds.install=false');
    await helm('uninstall', 'second');
  });

  it('objects and CRDs stay when the release goes, and the next one takes them over', async () => {
    const server = { apiVersion: 'tcpvs.io/v1alpha1', kind: 'RealServer', metadata: { name: 'web1' } };
    const spec = { serviceRef: { name: 'web', port: 80 } };
    await api.client.create(`${TCPVS}/namespaces/shop/realservers`, { ...server, spec });
    await helm('uninstall', 'tcpvs');
    const servers = () => api.client.list(`${TCPVS}/namespaces/shop/realservers`);
    await eventually('the API has read its CRDs again', async () => (await servers().catch(() => null)) !== null);
    assert.equal((await servers()).length, 1);
    assert.equal(await api.client.find(SECRET), null);
    await helm('install', 'tcpvs', CHART);
    await helm('uninstall', 'tcpvs');
    await helm('install', 'other', CHART, '--take-ownership');
    await helm('uninstall', 'other');
  });

  it('deploy/ is applied by kubectl, twice, and keeps what the controller filled in', async () => {
    const first = await api.kubectl(['apply', '-k', DEPLOY]);
    assert.equal(first.code, 0, first.stderr);
    const path = '/api/v1/namespaces/tcpvs-system/secrets/tcpvs-keys';
    await api.client.patch(path, { data: { current: 'a2V5' } });
    const written = await versions();
    const second = await api.kubectl(['apply', '-k', DEPLOY]);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(await versions(), written);
    assert.deepEqual((await api.client.get(path))['data'], { current: 'a2V5' });
  });

  /** resourceVersion of every object of deploy/: whoever changes one moves it. */
  async function versions(): Promise<Record<string, string>> {
    const { stdout } = await api.kubectl(['get', '-k', DEPLOY, '-o', 'json']);
    const { items } = JSON.parse(stdout) as { items: KubeObject[] };
    assert.equal(items.length, deployed().objects.length);
    return Object.fromEntries(
      items.map(({ kind, metadata }) => [`${kind} ${metadata.name}`, metadata.resourceVersion]),
    );
  }
});
