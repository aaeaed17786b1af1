/** Where a real scheduler puts the pods: replicas apart, and those of example 12 on the hosts that its matrix names. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { CHART } from '../../charts/tools/helm.ts';
import type { KubeObject } from '../cluster/api-client.ts';
import { skipReason } from '../cluster/binaries.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { until } from '../cluster/follow.ts';
import { untilReadyPods } from '../cluster/stage.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/12-kubernetes');
const HOSTS = ['web1', 'web2', 'web3', 'web4', 'web5'];

const scheduled = (pods: readonly KubeObject[]): readonly KubeObject[] =>
  pods.filter(({ spec }) => spec.nodeName !== undefined);

const hostsOf = (pods: readonly KubeObject[]): ReadonlySet<string> =>
  new Set(pods.map(({ spec }) => spec.nodeName.replace('node-of-', '')));

describe('pods in a cluster', { skip: skipReason(), timeout: 400_000 }, () => {
  let cluster: Cluster;
  before(async () => {
    // No label of a zone, as in many clusters.
    const nodes = HOSTS.map((host) => ({ name: `node-of-${host}`, labels: { 'eapac-host': host } }));
    cluster = await startCluster({ nodes });
  });
  after(() => cluster?.stop());

  it('replicas are on nodes of their own', async () => {
    const where = ['--namespace', 'edge', '--create-namespace'];
    const { code, stderr } = await cluster.helm(['install', 'tcpvs', CHART, ...where]);
    assert.equal(code, 0, stderr);
    for (const component of ['controller', 'proxy']) {
      const path = `/api/v1/namespaces/edge/pods?labelSelector=app.kubernetes.io/component=${component}`;
      await until(cluster.client, path, (pods) => scheduled(pods).length === 2);
      assert.equal(hostsOf(await cluster.client.list(path)).size, 2, component);
    }
  });

  it('the apps of example 12 are on their hosts', async () => {
    const { code, stderr } = await cluster.kubectl(['apply', '--server-side', '-k', EXAMPLE]);
    assert.equal(code, 0, stderr);
    const hosts = {
      appa: ['web1'],
      appb: ['web1'],
      tpcw: ['web2'],
      appc: ['web2', 'web3'],
      appd: ['web3', 'web4'],
      appe: ['web4', 'web5'],
    };
    for (const [app, expected] of Object.entries(hosts)) {
      await untilReadyPods(cluster.client, 'eapac', app, expected.length);
      const pods = await cluster.client.list(`/api/v1/namespaces/eapac/pods?labelSelector=app=${app}`);
      assert.equal(pods.length, expected.length, app);
      assert.deepEqual(hostsOf(pods), new Set(expected), app);
    }
  });
});
