/** The whole, as somebody meets it: Helm, kubectl apply, requests at the Service's address. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { skipReason } from './binaries.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { applyMatrixExample, HOSTS, installChart } from './installation.ts';
import { PlaceAgent } from './place.ts';
import { get } from './stage.ts';

/** Of examples/12-kubernetes: percent by app and host. */
const MATRIX: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  appa: { web1: 100 },
  appb: { web1: 100 },
  tpcw: { web2: 100 },
  appc: { web2: 87, web3: 13 },
  appd: { web3: 60, web4: 40 },
  appe: { web4: 31, web5: 69 },
};
const PROXIES = 2;
const REQUESTS = 200;

describe('the matrix in a cluster', { skip: skipReason(), timeout: 300_000 }, () => {
  let cluster: Cluster;
  let agent: PlaceAgent;
  before(async () => {
    cluster = await startCluster({ nodes: HOSTS });
    // A connection for each request, so that both proxies get some.
    agent = new PlaceAgent(cluster.outside);
    await installChart(cluster, { values: { proxy: { replicas: PROXIES } } });
    await applyMatrixExample(cluster);
  });
  after(async () => {
    agent?.destroy();
    await cluster?.stop();
  });
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.kubectl(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  /** Requests by host, over all proxies. */
  const counted = async (app: string): Promise<Record<string, number>> => {
    const [address] = JSON.parse(
      await kubectl('-n', 'eapac', 'get', 'tvs', 'http', '-o', 'jsonpath={.status.addresses}'),
    ) as {
      value: string;
    }[];
    const nodes = new Map(
      (await cluster.client.list('/api/v1/namespaces/eapac/pods')).map(({ metadata, spec }) => [
        metadata.name,
        spec.nodeName as string,
      ]),
    );
    const counts: Record<string, number> = {};
    for (let i = 0; i < REQUESTS; i++) {
      const { status, pod } = await get(agent, `http://${address?.value}/${app}/x`);
      assert.equal(status, 200);
      const node = nodes.get(pod) ?? pod;
      counts[node] = (counts[node] ?? 0) + 1;
    }
    return counts;
  };

  for (const [app, shares] of Object.entries(MATRIX)) {
    test(`${app} is served where and as often as the matrix says, within a request per proxy`, async () => {
      const counts = await counted(app);
      for (const [host, percent] of Object.entries(shares)) {
        const off = Math.abs((counts[host] ?? 0) - (REQUESTS * percent) / 100);
        assert.ok(off <= PROXIES, `${app} at ${host}: ${JSON.stringify(counts)}, asked ${percent} %`);
      }
      assert.equal(Object.keys(counts).length, Object.keys(shares).length, JSON.stringify(counts));
    });
  }

  test('kubectl says so', async () => {
    const listed = await kubectl('-n', 'eapac', 'get', 'tvs,rsv,awm');
    assert.doesNotMatch(listed, /False|Unknown/);
    const replicas = await kubectl('-n', 'eapac', 'get', 'tvs', 'http', '-o', 'jsonpath={.status.replicas}');
    assert.deepEqual(JSON.parse(replicas), { programmed: PROXIES, total: PROXIES });
  });

  test('a weight that is edited: the shares follow', async () => {
    const path = '/apis/tcpvs.io/v1alpha1/namespaces/eapac/appweightmatrices/eapac';
    const { spec } = await cluster.client.get(path);
    const weights = spec.rows.flatMap((row: { weights: { app: string; weight: number }[] }) => row.weights);
    for (const cell of weights) if (cell.app === 'appc') cell.weight = 50;
    const { metadata } = await cluster.client.patch(path, { spec: { rows: spec.rows } });
    const generation = String(metadata.generation);
    await kubectl('-n', 'eapac', 'wait', `--for=jsonpath={.status.observedGeneration}=${generation}`, 'awm/eapac');
    await kubectl('-n', 'eapac', 'wait', '--for=condition=Programmed', 'awm/eapac');
    const counts = await counted('appc');
    for (const host of ['web2', 'web3']) {
      assert.ok(Math.abs((counts[host] ?? 0) - REQUESTS / 2) <= PROXIES, JSON.stringify(counts));
    }
  });
});
