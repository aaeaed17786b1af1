import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ApiError } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { installCrds } from './crds.ts';
import { until } from './follow.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/01-eapac-demo');

describe('a real API', { skip: skipReason('api') }, () => {
  let api: Api;
  before(async () => {
    api = await startApi();
    await installCrds(api);
  });
  after(() => api?.stop());

  test('the product’s kinds and an example apply', async () => {
    const files = ['matrix', 'real-servers', 'virtual-server'].flatMap((name) => ['-f', join(EXAMPLE, `${name}.yaml`)]);
    const applied = await api.kubectl(['apply', ...files]);
    assert.equal(applied.code, 0, applied.stderr);
    const servers = await api.client.list('/apis/tcpvs.io/v1alpha1/namespaces/default/realservers');
    assert.deepEqual(servers.map(({ metadata }) => metadata.name).toSorted(), ['web1', 'web2', 'web3', 'web4', 'web5']);
  });

  test('a fault is refused with the API’s reason', async () => {
    const server = { apiVersion: 'tcpvs.io/v1alpha1', kind: 'RealServer', metadata: { name: 'x' }, spec: { port: 0 } };
    await assert.rejects(
      api.client.create('/apis/tcpvs.io/v1alpha1/namespaces/default/realservers', server),
      (error) => error instanceof ApiError && error.reason === 'Invalid' && /spec\.port/.test(error.message),
    );
  });

  test('a request after a DELETE with options is one of its own', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    for (const name of ['one', 'two']) {
      await api.client.create(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
      await api.client.delete(`${path}/${name}`, { gracePeriodSeconds: 0 });
    }
    assert.equal(await api.client.find(`${path}/two`), null);
  });

  test('RBAC is on, and the audit log says who asked for what', async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody' } };
    await api.client.create('/api/v1/namespaces/default/serviceaccounts', account);
    const { client } = api.as(await api.tokenOf('default', 'nobody'));
    await assert.rejects(client.list('/api/v1/secrets'), (error) => error instanceof ApiError && error.status === 403);
    const events = readFileSync(api.auditLog, 'utf8').trim().split('\n');
    const asked = events
      .map((line) => JSON.parse(line))
      .find(({ user, objectRef }) => {
        return user.username === 'system:serviceaccount:default:nobody' && objectRef?.resource === 'secrets';
      });
    assert.equal(asked?.verb, 'list');
    assert.equal(asked.responseStatus.code, 403);
  });

  test('the token of a ServiceAccount is what a TokenReview accepts, for its audience alone', async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'proxy' } };
    await api.client.create('/api/v1/namespaces/default/serviceaccounts', account);
    const token = await api.tokenOf('default', 'proxy', { audience: 'tcpvs' });
    const review = async (audiences: string[]) => {
      const spec = { token, audiences };
      const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
      return (await api.client.create('/apis/authentication.k8s.io/v1/tokenreviews', asked)).status;
    };
    assert.equal((await review(['tcpvs'])).user.username, 'system:serviceaccount:default:proxy');
    assert.notEqual((await review(['other'])).authenticated, true);
  });

  test('what is followed survives the API server’s restart and etcd’s', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const arrived = until(api.client, path, (all) => all.some(({ metadata }) => metadata.name === 'late'));
    await api.client.create(path, configMap('early'));
    await api.stopServer();
    await api.startServer();
    await api.restartEtcd();
    await api.client.create(path, configMap('late'));
    const names = (await arrived).map(({ metadata }) => metadata.name);
    assert.ok(names.includes('early'), names.join());
  });
});

test('nothing is left of an API that was stopped', { skip: skipReason('api') }, async () => {
  const api = await startApi();
  assert.ok(existsSync(api.caFile));
  await api.stop();
  await assert.rejects(api.as(api.adminToken).client.get('/readyz'), { code: 'ECONNREFUSED' });
});

function configMap(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
}
