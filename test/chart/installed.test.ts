/** The chart and deploy/ against a real API server: what it accepts, what the accounts may do, upgrades. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CHART } from '../../charts/tools/helm.ts';
import { ApiError, type KubeObject } from '../cluster/api-client.ts';
import { type Api, startApi } from '../cluster/api.ts';
import { skipReason } from '../cluster/binaries.ts';
import { type CommandResult, run } from '../cluster/run.ts';
import { auditEvents, compareWithAudit } from './audit.ts';
import { rightsOf } from './rights.ts';
import { fromText, rendered } from './stage.ts';

const NAMESPACE = 'edge';
const DEPLOY = join(import.meta.dirname, '../../deploy');
const TCPVS = '/apis/tcpvs.io/v1alpha1';

/** Asks again until it is so: the API server learns of some things by a watch of its own. */
async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`after a minute still not: ${what}`);
    await sleep(50);
  }
}

const forbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });

const revision = (name: string, owners: object[]) => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name, ownerReferences: owners },
  revision: 1,
  data: {},
});

const FILES = ['namespace', 'crds', 'policy', 'rbac', 'controller', 'proxy'];

const deployed = () => fromText(FILES.map((file) => readFileSync(join(DEPLOY, `${file}.yaml`), 'utf8')).join('---\n'));

describe('the chart on a real API', { skip: skipReason('cluster') }, () => {
  let api: Api;

  before(async () => {
    api = await startApi();
    for (const name of [NAMESPACE, 'shop', 'other']) {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await api.client.create('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name, labels },
      });
    }
    await helm('install', 'tcpvs', CHART);
  });
  after(() => api?.stop());

  /** Its standard output. Errors: what it says. */
  async function helm(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await tryHelm(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  function tryHelm(...args: string[]): Promise<CommandResult> {
    const [command = '', ...rest] = args;
    const where = ['--kubeconfig', api.kubeconfig, '--namespace', NAMESPACE];
    const home = join(api.directory, 'helm');
    return run([join(api.bin, 'helm'), command, ...where, ...rest], {
      environment: { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home },
    });
  }

  const account = async (name: string) => api.as(await api.tokenOf(NAMESPACE, name)).client;

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

  it('the controller may fill its own Secrets, and neither read, make nor list others', async () => {
    const client = await account('tcpvs-controller');
    const secrets = `/api/v1/namespaces/${NAMESPACE}/secrets`;
    const empty = await client.get(`${secrets}/tcpvs-ca`);
    assert.equal(empty['data'], undefined);
    const filled = await client.replace(`${secrets}/tcpvs-ca`, { ...empty, data: { 'tls.key': 'a2V5' } });
    assert.deepEqual(filled['data'], { 'tls.key': 'a2V5' });
    // The other replica, which read it empty as well.
    await assert.rejects(client.replace(`${secrets}/tcpvs-ca`, { ...empty, data: { 'tls.key': 'eA==' } }), /409/);

    await api.client.create(secrets, secret('somebody'));
    await api.client.create('/api/v1/namespaces/shop/secrets', secret('shop-tls'));
    await assert.rejects(client.get(`${secrets}/somebody`), forbidden);
    await assert.rejects(client.list(secrets), forbidden);
    await assert.rejects(client.list('/api/v1/secrets'), forbidden);
    await assert.rejects(client.create(secrets, secret('new')), forbidden);
    await assert.rejects(client.get('/api/v1/namespaces/shop/secrets/shop-tls'), forbidden);
    await assert.rejects(client.list('/api/v1/pods'), forbidden);
    assert.equal((await client.list(`${secrets}?fieldSelector=metadata.name=tcpvs-keys`)).length, 1);
  });

  it('a tenant’s Role opens one Secret', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'tcpvs-secrets' },
      rules: [
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['shop-tls'], verbs: ['get', 'list', 'watch'] },
      ],
    };
    const binding = {
      ...role,
      kind: 'RoleBinding',
      rules: undefined,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tcpvs-secrets' },
      subjects: [{ kind: 'ServiceAccount', name: 'tcpvs-controller', namespace: NAMESPACE }],
    };
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop';
    await api.client.create(`${rbac}/roles`, role);
    await api.client.create(`${rbac}/rolebindings`, binding);
    const client = await account('tcpvs-controller');
    const secrets = '/api/v1/namespaces/shop/secrets';
    await eventually(
      'the binding is in force',
      async () => (await client.find(`${secrets}/shop-tls`).catch(() => null)) !== null,
    );
    assert.equal((await client.list(`${secrets}?fieldSelector=metadata.name=shop-tls`)).length, 1);
    await assert.rejects(client.list(secrets), forbidden);
  });

  it('the controller reads objects, writes status, and changes no spec', async () => {
    const server = {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'RealServer',
      metadata: { name: 'web1', namespace: 'shop' },
      spec: { serviceRef: { name: 'web', port: 80 } },
    };
    const path = `${TCPVS}/namespaces/shop/realservers`;
    const { metadata } = await api.client.create(path, server);
    const client = await account('tcpvs-controller');
    const { apiVersion, kind } = server;
    const status = { conditions: [], endpoints: { total: 0, ready: 0 } };
    await client.apply(`${path}/web1/status`, { apiVersion, kind, metadata: { name: 'web1' }, status });
    await assert.rejects(client.apply(`${path}/web1`, server), forbidden);
    await assert.rejects(client.delete(`${path}/web1`), forbidden);
    const owner = { apiVersion, kind, name: 'web1', uid: metadata.uid, controller: true };
    await revisions(client, owner);
  });

  /** ControllerRevisions: those of our objects, and no others. */
  async function revisions(client: Awaited<ReturnType<typeof account>>, owner: object): Promise<void> {
    const path = '/apis/apps/v1/namespaces/shop/controllerrevisions';
    const stranger = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'a-b-c', controller: true };
    // The API server takes a moment to know a policy that is new.
    await eventually('the policy is in force', async () => {
      const made = await client.create(`${path}?dryRun=All`, revision('try', [])).catch((error: Error) => error);
      return (
        made instanceof ApiError && made.message.includes('only ControllerRevisions that an object of tcpvs.io owns')
      );
    });
    await assert.rejects(client.create(path, revision('db-1', [stranger])), /only ControllerRevisions that/);
    await assert.rejects(client.create(path, revision('web-0', [{ ...owner, controller: false }])), /only Controller/);
    const own = await client.create(path, revision('web-1', [owner]));
    await client.replace(`${path}/web-1`, { ...own, revision: 2 });
    await client.delete(`${path}/web-1`);

    const others = await api.client.create(path, revision('db-1', [stranger]));
    await assert.rejects(client.delete(`${path}/db-1`), /may change and delete only/);
    await assert.rejects(
      client.replace(`${path}/db-1`, { ...others, metadata: { ...others.metadata, ownerReferences: [owner] } }),
      /may change and delete only/,
    );
  }

  it('the proxies’ account may do nothing', async () => {
    const client = await account('tcpvs-proxy');
    for (const path of [`${TCPVS}/realservers`, '/api/v1/services', `/api/v1/namespaces/${NAMESPACE}/configmaps`]) {
      await assert.rejects(client.list(path), forbidden);
    }
  });

  it('the audit log has what was refused, and which rights were used', () => {
    const rights = rightsOf(rendered({}, { release: 'tcpvs', namespace: NAMESPACE }));
    const [controller, proxy] = [
      `system:serviceaccount:${NAMESPACE}:tcpvs-controller`,
      `system:serviceaccount:${NAMESPACE}:tcpvs-proxy`,
    ];
    const events = auditEvents(readFileSync(api.auditLog, 'utf8'));
    const { refused, unused } = compareWithAudit(rights, events, [proxy]);
    assert.ok(refused.includes(`${controller}: get ${NAMESPACE} secrets somebody`), refused.join('\n'));
    assert.ok(refused.includes(`${proxy}: list * services`), refused.join('\n'));
    assert.ok(!unused.some((line) => line.startsWith(`${controller}: update ${NAMESPACE} secrets`)), unused.join('\n'));
    assert.ok(unused.includes(`${controller}: watch * nodes`), 'nothing in this test watches');
  });

  it('people with edit may write objects, those with view may read them', async () => {
    for (const [role, may] of [
      ['view', ['get']],
      ['edit', ['get', 'create', 'delete']],
      ['admin', ['get', 'create', 'delete', 'deletecollection']],
    ] as const) {
      // Nobody adds roles up here (that is the controller manager's), so the product's own role is asked.
      const name = `a-${role}`;
      const own = `--clusterrole=tcpvs:${NAMESPACE}:tcpvs:${role}`;
      const bound = await api.kubectl(['-n', 'shop', 'create', 'rolebinding', name, own, `--user=${name}`]);
      assert.equal(bound.code, 0, bound.stderr);
      for (const verb of ['get', 'create', 'delete', 'deletecollection'] as const) {
        const asked = ['-n', 'shop', 'auth', 'can-i', verb, 'appweightmatrices.tcpvs.io', `--as=${name}`];
        const { stdout } = await api.kubectl(asked);
        assert.equal(stdout.trim(), (may as readonly string[]).includes(verb) ? 'yes' : 'no', `${role} ${verb}`);
      }
    }
  });

  it('an upgrade brings new fields of the CRDs, and keeps what the controller filled in', async () => {
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
    const filled = await api.client.get(`/api/v1/namespaces/${NAMESPACE}/secrets/tcpvs-ca`);
    assert.deepEqual(filled['data'], { 'tls.key': 'a2V5' });
    await helm('rollback', 'tcpvs', '1');
    const kept = await api.client.get(`/api/v1/namespaces/${NAMESPACE}/secrets/tcpvs-ca`);
    assert.deepEqual(kept['data'], { 'tls.key': 'a2V5' });
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
    await helm('uninstall', 'tcpvs');
    const servers = () => api.client.list(`${TCPVS}/namespaces/shop/realservers`);
    await eventually('the API has read its CRDs again', async () => (await servers().catch(() => null)) !== null);
    assert.equal((await servers()).length, 1);
    assert.equal(await api.client.find(`/api/v1/namespaces/${NAMESPACE}/secrets/tcpvs-ca`), null);
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
