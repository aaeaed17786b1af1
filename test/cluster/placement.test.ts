/** Computed weights in a cluster: a real API server, controllers that come and go, a proxy that says what it counts. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';

import { ROOT } from '../../src/cli/demo-serve.ts';
import type { CountsDocument } from '../../src/model/counts.ts';
import type { KubeObject } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { createStage, type Stage } from './controller-stage.ts';
import { installCrds } from './crds.ts';
import { until } from './follow.ts';
import { tcpvsObject } from './tcpvs-object.ts';

const GROUP = '/apis/tcpvs.io/v1alpha1';

const run = promisify(execFile);

type Pieces = ReadonlyMap<string, Record<string, any>>;

interface Rows {
  readonly rows?: { server: string; weights: { app: string; weight: number }[]; since?: string }[];
  readonly recommendation?: Rows & { readonly reason?: string };
}

const matrix = (mode: string, cells = { web1: 90, web2: 10 }) =>
  tcpvsObject('AppWeightMatrix', 'm', {
    mode,
    apps: [{ name: 'shop', demand: { rate: '100' }, profile: { cpu: '8m' } }],
    rows: Object.entries(cells).map(([server, weight]) => ({ server, weights: [{ app: 'shop', weight }] })),
    placement: { interval: '1s' },
  });
const statusOf = (all: readonly KubeObject[]) => (all[0]?.status ?? {}) as Rows;
const weightsOf = ({ rows = [] }: Rows) => rows.map(({ weights }) => weights[0]!.weight);
const served = (pieces: Pieces) =>
  ([...pieces.values()].find(({ kind }) => kind === 'Matrix')?.['columns'][0].cells as { weight: number }[] | undefined)
    ?.map(({ weight }) => weight)
    .join(':');

describe('computed weights in a cluster', { skip: skipReason('api') }, () => {
  let api: Api;
  let stage: Stage;
  before(async () => {
    api = await startApi();
    await installCrds(api);
  });
  afterEach(() => stage?.close());
  after(() => api?.stop());

  const at = (plural: string) => `${GROUP}/namespaces/${stage.namespace}/${plural}`;
  const objects = async () => {
    const core = `/api/v1/namespaces/${stage.namespace}`;
    await api.client.create(`${core}/services`, {
      metadata: { name: 'shop' },
      spec: { selector: {}, ports: [{ port: 80 }] },
    });
    for (const [name, cpu] of [
      ['web1', 1],
      ['web2', 3],
    ] as const) {
      await api.client.create(
        at('realservers'),
        tcpvsObject('RealServer', name, { serviceRef: { name: 'shop' }, capacity: { cpu } }),
      );
    }
    await api.client.create(at('appweightmatrices'), matrix('Recommend'));
    await api.client.create(
      at('tcpvirtualservers'),
      tcpvsObject('TcpVirtualServer', 'http', {
        listeners: [{ name: 'web', port: 8000, protocol: 'HTTP' }],
        matrixRefs: [{ name: 'm' }],
        rules: [{ name: 'r', match: { path: { type: 'Prefix', value: '/' } }, app: 'shop' }],
      }),
    );
  };

  /** A hundred requests per second since it was made, nine of ten at web1. */
  const counting = (): (() => CountsDocument) => {
    const since = performance.now();
    return () => {
      const all = (performance.now() - since) / 10;
      const cells = Object.entries({ web1: 0.9, web2: 0.1 }).map(([name, share]) => ({
        server: `${stage.namespace}/${name}`,
        app: 'shop',
        weight: 1,
        available: true,
        asked: share,
        askedAvailable: share,
        delivered: share,
        epochRequests: 0,
        requests: Math.floor(share * all),
        retries: 0,
        sticky: 0,
        failures: 0,
      }));
      return { rows: [{ id: `matrix ${stage.namespace}/m shop`, epoch: 1, cells }], endpoints: [] };
    };
  };

  test('the leader recommends; a new one keeps what rules, lets an edit through, and ends it with Static', async () => {
    stage = await createStage(api, 'placement');
    const first = await stage.controller();
    await objects();
    const proxy = await stage.proxy({ counts: counting() });
    await proxy.until(() => served(proxy.pieces) === '90:10');
    const recommended = await until(api.client, at('appweightmatrices'), (all) => {
      return weightsOf(statusOf(all).recommendation ?? {}).length > 0;
    });
    const { recommendation, rows } = statusOf(recommended);
    const [web1 = 0] = weightsOf(recommendation!);
    assert.ok(web1 > 2000 && web1 < 3500, String(web1));
    assert.match(recommendation!.reason!, /^with these weights the fullest host/);
    assert.equal(rows?.length ?? 0, 0);
    assert.equal(served(proxy.pieces), '90:10');
    assert.match((await first.get('/metrics')).text, /^tcpvs_placement_utilization\{.*weights="recommended"\} 0\.\d/m);

    // As a leader would leave it that has put weights in force.
    await first.end();
    const since = '2026-01-01T00:00:00Z';
    const inForce = [8000, 2000].map((weight, i) => ({
      server: `web${i + 1}`,
      weights: [{ app: 'shop', weight }],
      since,
    }));
    await api.client.apply(`${at('appweightmatrices')}/m`, matrix('Auto'));
    const conditions = ['Accepted', 'Programmed', 'Ready'].map((type) => ({
      type,
      status: 'Unknown',
      reason: 'Pending',
      message: '',
      lastTransitionTime: since,
    }));
    const left = {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'AppWeightMatrix',
      metadata: { name: 'm' },
      status: { rows: inForce, conditions },
    };
    await api.client.apply(`${at('appweightmatrices')}/m/status`, left, 'tcpvs-controller');
    await stage.controller();
    const next = await stage.proxy({ counts: counting() });
    // The other one spoke to the first controller alone.
    await stage.ready([next.uid]);
    await next.until(() => served(next.pieces) === '8000:2000');
    const kept = await until(api.client, at('appweightmatrices'), (all) => {
      const { observedGeneration } = (all[0]?.status ?? {}) as { observedGeneration?: number };
      return observedGeneration === 2 && weightsOf(statusOf(all).recommendation ?? {}).length > 0;
    });
    assert.deepEqual(statusOf(kept).rows, inForce);
    assert.match(statusOf(kept).recommendation!.reason!, /the weights stay until it is proven|came as predicted/);

    const args = ['placement', `--kubeconfig=${api.kubeconfig}`, `--namespace=${stage.namespace}`, 'm'];
    const { stdout } = await run(join(ROOT, 'bin/tcpvs'), args);
    assert.match(stdout, /^placement\/m Auto: computed weights rule, last changed at 2026-01-01T00:00:00Z\n/);
    assert.match(stdout, /web1 80\.0 .*web2 20\.0/);

    await api.client.apply(`${at('appweightmatrices')}/m`, matrix('Auto', { web1: 70, web2: 0 }));
    await next.until(() => served(next.pieces) === '70:0');
    await until(api.client, at('appweightmatrices'), (all) => (statusOf(all).rows?.length ?? 0) === 0);
    await api.client.apply(`${at('appweightmatrices')}/m`, matrix('Static'));
    await next.until(() => served(next.pieces) === '90:10');
    await until(api.client, at('appweightmatrices'), (all) => statusOf(all).recommendation === undefined);
  });
});
