/** Example 23 with a controller process on a real control plane, and a proxy that says what it counts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { loadAll } from 'js-yaml';

import { countedCell } from '../../src/learning/fixture.ts';
import type { CountsDocument } from '../../src/model/counts.ts';
import type { KubeObject } from './api-client.ts';
import { skipReason } from './binaries.ts';
import { createStage, type Stage } from './controller-stage.ts';
import { eventually } from './eventually.ts';
import { follow, type Following, until } from './follow.ts';
import { type PodsWithoutNodes, startPodsWithoutNodes } from './pods-without-nodes.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/23-managed-instances');
const NAMESPACE = 'managed';
const NODES = ['node-1', 'node-2', 'node-3'];
const MATRICES = `/apis/tcpvs.io/v1alpha1/namespaces/${NAMESPACE}/appweightmatrices`;

const objectsOf = (file: string) => loadAll(readFileSync(join(EXAMPLE, `${file}.yaml`), 'utf8')) as KubeObject[];

const PLACES: Readonly<Record<string, string>> = {
  Deployment: `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
  Service: `/api/v1/namespaces/${NAMESPACE}/services`,
  RealServer: `/apis/tcpvs.io/v1alpha1/namespaces/${NAMESPACE}/realservers`,
  AppWeightMatrix: MATRICES,
  TcpVirtualServer: `/apis/tcpvs.io/v1alpha1/namespaces/${NAMESPACE}/tcpvirtualservers`,
};

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

const stalled = (object: KubeObject) =>
  ((object.status?.conditions ?? []) as Condition[]).find(({ type }) => type === 'Stalled');

/** Before there is a snapshot. */
const ALIKE = () => 1;

describe('managed instances in a cluster', { skip: skipReason('cluster') }, () => {
  let cluster: PodsWithoutNodes;
  let stage: Stage;
  let following: Following[];
  const pods = new Map<string, KubeObject>();
  const notes: string[] = [];
  const rate: Record<string, number> = { shop: 100, bank: 100 };
  const counted = new Map<string, number>();
  let weightOf: (app: string, node: string) => number = ALIKE;
  let since = performance.now();

  const live = (app: string) =>
    [...pods.values()]
      .filter(({ metadata, status }) => metadata.labels?.['app'] === app && status.phase === 'Running')
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => spec.nodeName as string);

  /** Requests come all the time, and are divided as the snapshot says among what is ready. */
  const counts = (): CountsDocument => {
    const now = performance.now();
    const seconds = (now - since) / 1000;
    since = now;
    const rows = Object.keys(rate).map((app) => {
      const nodes = live(app);
      const sum = nodes.reduce((total, node) => total + weightOf(app, node), 0);
      for (const node of nodes) {
        const id = `${app} ${node}`;
        counted.set(id, (counted.get(id) ?? 0) + (rate[app]! * seconds * weightOf(app, node)) / sum);
      }
      const cells = NODES.map((node) => {
        const requests = Math.floor(counted.get(`${app} ${node}`) ?? 0);
        const [weight, available] = [weightOf(app, node), nodes.includes(node)];
        return countedCell(`${NAMESPACE}/${node}`, app, requests, { seconds: 0.01, weight, available });
      });
      return { id: `matrix ${NAMESPACE}/apps ${app}`, epoch: 1, cells };
    });
    return { rows, endpoints: [] };
  };

  /** Events come after what they tell of. */
  const told = (pattern: RegExp) => eventually(`${pattern}`, () => notes.some((note) => pattern.test(note)));
  const matrix = () => cluster.api.client.get(`${MATRICES}/apps`);
  before(async () => {
    cluster = await startPodsWithoutNodes(Object.fromEntries(NODES.map((name) => [name, '1Gi'])));
    const { client } = cluster.api;
    stage = await createStage(cluster.api, NAMESPACE, { ports: [80] });
    following = [
      follow(client, `/api/v1/namespaces/${NAMESPACE}/pods`, {
        changed: (pod) => void pods.set(pod.metadata.name, pod),
        gone: (pod) => void pods.delete(pod.metadata.name),
      }),
      follow(client, `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`, {
        changed: ({ note, reportingController }) => {
          if (reportingController === 'tcpvs.io/controller') notes.push(String(note));
        },
      }),
    ];
    for (const file of ['apps', 'real-servers', 'matrix', 'virtual-server']) {
      for (const object of objectsOf(file)) {
        if (object.kind === 'AppWeightMatrix') {
          Object.assign(object.spec.placement, { interval: '1s' });
          for (const app of object.spec.apps) app.demand = { rate: String(rate[app.name]) };
        }
        await client.create(PLACES[object.kind]!, object);
      }
    }
  });
  after(async () => {
    for (const each of following ?? []) each.stop();
    await stage?.close();
    await cluster?.stop();
  });

  test('without the right to, weights alone are computed, and it is said; pods wait', async () => {
    const first = await stage.controller();
    const proxy = await stage.proxy({ counts });
    const said = await until(cluster.api.client, MATRICES, ([object]) => stalled(object!) !== undefined);
    assert.equal(stalled(said[0]!)?.reason, 'NotPermitted');
    assert.match(stalled(said[0]!)!.message, /--manage-workloads/);
    assert.ok(
      [...pods.values()].every(({ spec }) => spec.schedulingGates !== undefined || spec.nodeName !== undefined),
    );
    await first.end();
    await proxy.close();
  });

  test('instances follow what is asked for, each change with an Event', async () => {
    await stage.controller(['--manage-workloads']);
    const proxy = await stage.proxy({ counts });
    weightOf = (app, node) => {
      const piece = [...proxy.pieces.values()].find(({ kind }) => kind === 'Matrix');
      const column = piece?.['columns'].find((each: { app: string }) => each.app === app);
      return column?.cells.find((cell: { server: string }) => cell.server === `${NAMESPACE}/${node}`)?.weight ?? 1;
    };
    await stage.ready([proxy.uid]);
    await eventually('gates are opened', () => live('shop').length === 1 && live('bank').length === 1);
    await told(/^the gate.* with a preference for node-\d/);
    // What is missing to the minimum of shop, as soon as predictions are proven.
    await eventually('shop has two', () => live('shop').length === 2);
    await told(/an instance of shop is started for node-\d: .*its minimum is 2/);
    assert.equal(new Set(live('shop')).size, 2);
    assert.equal(stalled(await matrix()), undefined);

    rate['bank'] = 300;
    const { spec } = await matrix();
    for (const app of spec.apps) app.demand = { rate: String(rate[app.name]) };
    await cluster.api.client.patch(`${MATRICES}/apps`, { spec });
    await eventually('bank has two', () => live('bank').length === 2);
    await told(/an instance of bank is started for node-\d: serves .* requests\/s there/);
    await told(/^bank serves on node-/);
    const { status } = await matrix();
    assert.equal(status.rows.length, 3);
  });

  test('where an autoscaler comes, it stands back and says so; paused, it freezes', async () => {
    const { client } = cluster.api;
    await client.create(`/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`, {
      metadata: { name: 'bank' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'bank' }, maxReplicas: 5 },
    });
    const said = await until(client, MATRICES, ([object]) => stalled(object!) !== undefined);
    assert.equal(stalled(said[0]!)?.reason, 'ScaledByOthers');
    await client.patch(`${MATRICES}/apps`, { spec: { placement: { paused: true } } });
    const paused = await until(client, MATRICES, ([object]) =>
      String(object?.status?.recommendation?.reason).includes('placement.paused is set'),
    );
    const { rows } = paused[0]!.status;
    assert.deepEqual((await matrix()).status.rows, rows);
  });
});
