/** What the chart's accounts may do, tried on a real API server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { type ApiClient, ApiError } from '../cluster/api-client.ts';
import type { Api } from '../cluster/api.ts';
import { skipReason } from '../cluster/binaries.ts';
import { auditEvents, compareWithAudit } from './audit.ts';
import { eventually, install, type Installed, NAMESPACE, TCPVS } from './installed.ts';
import { rightsOf } from './rights.ts';
import { rendered } from './stage.ts';

const forbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name } });

const revision = (name: string, owners: object[]) => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name, ownerReferences: owners },
  revision: 1,
  data: {},
});

const isOne = (list: readonly unknown[]): boolean => list.length === 1;

describe('the chart’s accounts on a real API', { skip: skipReason('cluster') }, () => {
  let installed: Installed;
  let api: Api;
  let account: Installed['account'];

  before(async () => {
    installed = await install();
    ({ api, account } = installed);
  });
  after(() => installed?.stop());

  it('the controller may fill its own Secrets, and neither read, make nor list others', async () => {
    const client = await account('tcpvs-controller');
    const secrets = `/api/v1/namespaces/${NAMESPACE}/secrets`;
    const [empty] = await client.list(`${secrets}?fieldSelector=metadata.name=tcpvs-ca`);
    assert.ok(empty !== undefined);
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
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['shop-tls'], verbs: ['list', 'watch'] }],
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
    const one = `${secrets}?fieldSelector=metadata.name=shop-tls`;
    await eventually('the binding is in force', () => client.list(one).then(isOne, () => false));
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
  async function revisions(client: ApiClient, owner: object): Promise<void> {
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
    await assert.rejects(client.replace(`${path}/web-1`, { ...own, revision: 2 }), forbidden);
    await client.delete(`${path}/web-1`);

    await api.client.create(path, revision('db-1', [stranger]));
    await assert.rejects(client.delete(`${path}/db-1`), /may change and delete only/);
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

  it('who is bound to the Role for counts may ask the controller for them, and nothing else through the API', async () => {
    const bind = ['-n', NAMESPACE, 'create', 'rolebinding', 'counts', '--role=tcpvs-counts', '--user=reader'];
    assert.equal((await api.kubectl(bind)).code, 0);
    const may = async (service: string) => {
      const asked = [
        '-n',
        NAMESPACE,
        'auth',
        'can-i',
        'get',
        `services/${service}`,
        '--subresource=proxy',
        '--as=reader',
      ];
      return (await api.kubectl(asked)).stdout.trim();
    };
    assert.equal(await may('tcpvs-controller:admin'), 'yes');
    assert.equal(await may('tcpvs-controller:snapshots'), 'no');
    assert.equal(await may('tcpvs-proxy'), 'no');
  });
});
