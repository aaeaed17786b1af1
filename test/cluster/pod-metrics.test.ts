/** What requests cost in a cluster: a real API server with the metrics API, whose figures come from this test. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { countedCell } from '../../src/learning/fixture.ts';
import type { CountsDocument } from '../../src/model/counts.ts';
import type { ProfilesDocument } from '../../src/model/profiles.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { createStage, type Stage } from './controller-stage.ts';
import { installCrds } from './crds.ts';
import { tcpvsObject } from './tcpvs-object.ts';

/** The metrics API as a kind of its own: metrics-server needs kubelets. */
const METRICS_API = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'pods.metrics.k8s.io',
    annotations: { 'api-approved.kubernetes.io': 'unapproved, in place of metrics-server' },
  },
  spec: {
    group: 'metrics.k8s.io',
    scope: 'Namespaced',
    names: { kind: 'PodMetrics', plural: 'pods', singular: 'podmetrics', listKind: 'PodMetricsList' },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

const RATE = 100;
/** Core-seconds of a request. */
const COST = 0.008;

describe('costs in a cluster', { skip: skipReason('api') }, () => {
  let api: Api;
  let stage: Stage;
  before(async () => {
    api = await startApi();
    await installCrds(api);
  });
  afterEach(() => stage?.close());
  after(() => api?.stop());

  test('are learned from what pods use by the metrics API; without one it is said once, and nothing else is missing', async () => {
    stage = await createStage(api, 'podmetrics');
    const { namespace } = stage;
    const core = `/api/v1/namespaces/${namespace}`;
    const group = `/apis/tcpvs.io/v1alpha1/namespaces/${namespace}`;
    await api.client.create(`${core}/services`, {
      metadata: { name: 'shop' },
      spec: { selector: {}, ports: [{ port: 80 }] },
    });
    await api.client.create(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'shop-1', labels: { 'kubernetes.io/service-name': 'shop' } },
      addressType: 'IPv4',
      ports: [{ port: 8080 }],
      endpoints: [1, 2].map((pod) => ({
        addresses: [`10.8.0.${pod}`],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: `shop-${pod}`, namespace, uid: `uid-${pod}` },
      })),
    });
    await api.client.create(`${group}/realservers`, tcpvsObject('RealServer', 'web', { serviceRef: { name: 'shop' } }));
    await api.client.create(
      `${group}/appweightmatrices`,
      tcpvsObject('AppWeightMatrix', 'm', {
        apps: [{ name: 'shop' }],
        rows: [{ server: 'web', weights: [{ app: 'shop', weight: 1 }] }],
      }),
    );
    const controller = await stage.controller(['--pod-metrics=1']);
    const since = performance.now();
    await stage.proxy({
      counts: (): CountsDocument => {
        const requests = Math.floor((RATE * (performance.now() - since)) / 1000);
        const cells = [countedCell(`${namespace}/web`, 'shop', requests, { seconds: 0.02 })];
        return { rows: [{ id: `matrix ${namespace}/m shop`, epoch: 1, cells }], endpoints: [] };
      },
    });
    const missing = await controller.line(({ msg }) => /has no metrics API/.test(String(msg)));
    assert.match(missing['msg'], /install metrics-server, or give spec.apps\[\].profile.cpu/);

    await api.client.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', METRICS_API);
    const end = performance.now() + 120_000;
    for (;;) {
      const timestamp = new Date().toISOString();
      for (const pod of [1, 2]) {
        const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods/shop-${pod}`;
        const metrics = {
          apiVersion: 'metrics.k8s.io/v1beta1',
          kind: 'PodMetrics',
          metadata: { name: `shop-${pod}` },
          timestamp,
          window: '2s',
          containers: [{ name: 'shop', usage: { cpu: `${Math.round(1e9 * RATE * COST * 0.5)}n`, memory: '40Mi' } }],
        };
        // The kind takes a moment to be served.
        await api.client.apply(path, metrics).catch((error: unknown) => {
          if (performance.now() > end) throw error;
        });
      }
      const { matrices } = JSON.parse((await controller.get('/v1/profiles')).text) as ProfilesDocument;
      const cost = matrices.find(({ matrix }) => matrix === `${namespace}/m`)?.apps[0]?.cost['cpu'];
      if (cost !== undefined) {
        assert.equal(cost.source, 'learned');
        assert.ok(Math.abs(cost.value / COST - 1) < 0.2, `${cost.value}`);
        break;
      }
      assert.ok(performance.now() < end, 'nothing was learned in two minutes');
      await sleep(1000);
    }
    const said = controller.lines.filter(({ msg }) => /metrics API/.test(String(msg)));
    assert.equal(said.length, 2, JSON.stringify(said));
    assert.match(said[1]!['msg'], /tells of pods in podmetrics again/);
  });
});
