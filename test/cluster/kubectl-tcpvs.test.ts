/** `kubectl tcpvs` against a real API server: the session of KTCPVS's README, one cell of a matrix, refusals, rights. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { runTcpvsadm } from '../../src/cli/tcpvsadm-run.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { installCrds } from './crds.ts';

const OBJECTS = '/apis/tcpvs.io/v1alpha1/namespaces';

describe('kubectl tcpvs', { skip: skipReason('api') }, () => {
  let api: Api;

  before(async () => {
    api = await startApi({ users: { viewer: [] } });
    for (const name of ['shop', 'bare']) await api.client.create('/api/v1/namespaces', namespace(name));
  });
  after(() => api.stop());

  /** One command of a session; what it prints. */
  const tcpvs = async (line: string, { kubeconfig = api.kubeconfig, input = '' } = {}) => {
    const output = { stdout: '', stderr: '' };
    const around = {
      stdin: (async function* () {
        yield Buffer.from(input);
      })(),
      stdout: { write: (text: string) => (output.stdout += text) },
      stderr: { write: (text: string) => (output.stderr += text) },
      environment: {},
    };
    const args = ['--kubeconfig', kubeconfig, '-n', 'shop', ...line.split(' ').filter((word) => word !== '')];
    return { code: await runTcpvsadm(args, around, 'kubectl tcpvs'), ...output };
  };
  const done = async (line: string, options = {}) => {
    const { code, stdout, stderr } = await tcpvs(line, options);
    assert.equal(code, 0, `${line}: ${stderr}`);
    return stdout;
  };
  const specOf = async (path: string) => (await api.client.get(`${OBJECTS}/shop/${path}`)).spec as never;

  test('without the CRDs it says that they are missing', async () => {
    const { code, stderr } = await tcpvs('-L');
    assert.equal(code, 1);
    assert.match(stderr, /^kubectl tcpvs: there is no tcpvs\.io\/v1alpha1 in the cluster: are the CRDs of tcpvs/);
    await installCrds(api);
  });

  test('the session of the README, as objects of the namespace', async () => {
    await done('-A -i http -s http');
    for (const server of ['r1', 'r2', 'r3']) await done(`-a -i http -r ${server}:80`);
    await done('--add-rule -i http --pattern=/images/.* -r r1:80');
    await done('--add-rule -i http --pattern=.* -r r3:80 --weight 7');
    await done('--start -i http');
    const virtual: { suspend?: boolean; rules: { servers: unknown }[] } = await specOf('tcpvirtualservers/http');
    assert.equal(virtual.suspend ?? false, false);
    assert.deepEqual(virtual.rules[1]?.servers, [{ server: 'r3-80', weight: 7 }]);
    const listing = await done('-L --numeric');
    assert.match(listing, /Virtual shop\/http \{/);
    assert.match(listing, /rule = pattern "\/images\/\.\*" match 0 .*use server r1:80/);
    // What is listed loads again, and nothing changes.
    const earlier = await specOf('tcpvirtualservers/http');
    await done('-f -', { input: listing });
    assert.deepEqual(await specOf('tcpvirtualservers/http'), earlier);
    assert.match((await tcpvs('-d -i http -r r1:80')).stderr, /busy/);
  });

  test('one cell of a matrix, and nothing else of it', async () => {
    await api.client.create(`${OBJECTS}/shop/appweightmatrices`, {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'AppWeightMatrix',
      metadata: { name: 'eapac', namespace: 'shop' },
      spec: {
        apps: [{ name: 'appc' }],
        rows: ['r1-80', 'r2-80'].map((server) => ({ server, weights: [{ app: 'appc', weight: 87 }] })),
      },
    });
    const virtual = await api.client.get(`${OBJECTS}/shop/tcpvirtualservers/http`);
    const rule = { name: 'appc', match: { path: { type: 'Pattern', value: '/appc/.*' } }, app: 'appc' };
    Object.assign(virtual['spec'], { rules: [rule], matrixRefs: [{ name: 'eapac' }] });
    await api.client.replace(`${OBJECTS}/shop/tcpvirtualservers/http`, virtual);
    await done('--add-rule -i http --pattern=/appc/.* -w 50 -r r2:80');
    const matrix: { rows: unknown } = await specOf('appweightmatrices/eapac');
    assert.deepEqual(matrix.rows, [
      { server: 'r1-80', weights: [{ app: 'appc', weight: 87 }] },
      { server: 'r2-80', weights: [{ app: 'appc', weight: 50 }] },
    ]);
  });

  test('what the API server refuses changes nothing', async () => {
    const wide = `Virtual wide {\n listen = *:80\n server = 10.0.0.1:80 5\n}\n`;
    const address = await tcpvs('-f -', { input: wide.replace('*:80', '10.1.1.1:80') });
    assert.match(address.stderr, /listen: read 10\.1\.1\.1, expected a port alone/);
    assert.equal(address.code, 1);
    const none = await tcpvs('-E -i nosuch -P 80');
    assert.match(none.stderr, /no virtual server shop\/nosuch; there is shop\/http/);
  });

  test('rights are those of the user', async () => {
    const viewer = api.as(readFileSync(join(api.directory, 'tokens/viewer'), 'utf8').trim()).kubeconfig;
    const blind = await tcpvs('-L', { kubeconfig: viewer });
    assert.match(blind.stderr, /User "viewer" cannot list resource/);
    await grant(api, 'viewer', ['get', 'list']);
    const listed = await tcpvs('-L', { kubeconfig: viewer });
    assert.equal(listed.code, 0);
    assert.match(listed.stdout, /Virtual shop\/http/);
    // Live counts are another right, and a table without them is one.
    assert.match(listed.stderr, /note: no live counts: .*cannot list resource "services"/);
    const refused = await tcpvs('--stop', { kubeconfig: viewer });
    assert.deepEqual([refused.code, /cannot update resource/.test(refused.stderr)], [1, true]);
    assert.equal(((await specOf('tcpvirtualservers/http')) as { suspend?: boolean }).suspend ?? false, false);
  });

  test('somebody who writes at the same time loses nothing', async () => {
    const weights = Array.from({ length: 8 }, (_, i) => `--add-rule -i http --pattern=/w${i} -r r3:80`);
    await Promise.all(weights.map((line) => done(line)));
    const { rules }: { rules: unknown[] } = await specOf('tcpvirtualservers/http');
    assert.equal(rules.length, 1 + weights.length);
  });

  test('a context that there is not, and a kubeconfig that there is not', async () => {
    assert.match((await tcpvs('--context nosuch -L')).stderr, /no context "nosuch"; there is /);
    assert.match((await tcpvs('-L', { kubeconfig: '/nosuch/config' })).stderr, /nosuch\/config/);
  });
});

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

async function grant({ client }: Api, user: string, verbs: string[]): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop';
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await client.create(`${rbac}/roles`, {
    apiVersion,
    kind: 'Role',
    metadata: { name: user, namespace: 'shop' },
    rules: [{ apiGroups: ['tcpvs.io'], resources: ['*'], verbs }],
  });
  await client.create(`${rbac}/rolebindings`, {
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name: user, namespace: 'shop' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: user },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  });
}
