/** Instances on a real control plane: who leads dies at every step, pods land elsewhere, others scale. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import type { News } from '../../src/actuation/course.ts';
import { appWeightMatrixSpec } from '../../src/api/app-weight-matrix.ts';
import type { RealServer } from '../../src/api/parse.ts';
import { realServerSpec } from '../../src/api/real-server.ts';
import { ClusterWorkloads } from '../../src/controller/placement/cluster-workloads.ts';
import { connectApi } from '../../src/kube/connect.ts';
import { appProfile } from '../../src/manager/fixture.ts';
import type { CountsDocument } from '../../src/model/counts.ts';
import { columnsOf, type Rows, wholeRows } from '../../src/model/matrix-rows.ts';
import type { Result } from '../../src/placement/result.ts';
import { Instances } from '../../src/steering/instances.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import type { KubeObject } from './api-client.ts';
import { skipReason } from './binaries.ts';
import { eventually } from './eventually.ts';
import { gatedDeployment, type PodsWithoutNodes, startPodsWithoutNodes } from './pods-without-nodes.ts';

const NODES = ['n1', 'n2', 'n3'];
const NAMESPACE = 'shop';
const KEY = `${NAMESPACE}/m`;
const MARK = 'controller.kubernetes.io/pod-deletion-cost';

const spec = appWeightMatrixSpec.parse({
  mode: 'Auto',
  apps: [{ name: 'web', workloadRef: { kind: 'Deployment', name: 'web' }, minInstances: 1 }],
  rows: NODES.map((server) => ({ server })),
  placement: { actuate: 'Manage' },
});

const given: Rows = wholeRows(spec.rows, ['web']);

const realServers = new Map(
  NODES.map((name): [string, RealServer] => [
    `${NAMESPACE}/${name}`,
    {
      apiVersion: 'tcpvs.io/v1alpha1',
      kind: 'RealServer',
      metadata: { name, namespace: NAMESPACE },
      spec: realServerSpec.parse({ nodeName: name, capacity: { cpu: '1' } }),
    },
  ]),
);

/** A leader, and weights that outlive it: they stand in the matrix' status. */
class Leader {
  readonly #workloads: ClusterWorkloads;
  readonly #instances: Instances;
  readonly #client: ReturnType<typeof connectApi>['api'];
  readonly #world: World;
  readonly #timer: NodeJS.Timeout;

  constructor(world: World) {
    this.#world = world;
    this.#client = connectApi({ kubeconfig: world.kubeconfig, userAgent: 'test' }).api;
    this.#workloads = new ClusterWorkloads({
      api: this.#client,
      namespaces: null,
      className: 'tcpvs',
      objects: () => ({
        matrices: new Map([
          [KEY, { apiVersion: 'tcpvs.io/v1alpha1', kind: 'AppWeightMatrix', metadata: { name: 'm' } as never, spec }],
        ]),
        realServers,
      }),
      proxies: () => new Map([['proxy', { counts: world.counts() }]]),
      present: () => undefined,
      tell: ({ note }) => world.opened.push(note),
      log: createLogger({ level: 'silent' }),
    });
    this.#instances = new Instances({
      seen: (...args) => this.#workloads.seen(...args),
      served: (...args) => this.#workloads.served(...args),
      reserved: (matrix) => this.#workloads.reserved(matrix),
      write: (...args) => this.#workloads.write(...args),
      tell: (_, news) => world.news.push(...news),
    });
    this.#timer = setInterval(() => this.#look(), 50);
  }

  #look(): void {
    const rows = this.#instances.carryOn(KEY, spec, { given, inForce: this.#world.rows, isComputed: true });
    if (rows !== null) this.#world.rows = rows;
  }

  get isBusy(): boolean {
    return this.#instances.isBusy(KEY);
  }

  stalled(): string {
    return this.#instances.report(KEY, spec).stalled?.message ?? '';
  }

  /** Begins a plan, as the solver would give it. */
  async plan(changes: readonly string[]): Promise<void> {
    const planned = changes.map((each) => {
      const [op = '', host = ''] = each.split(' ');
      return { op: op as 'start' | 'stop', host, workload: 'web', reason: 'it is planned', shift: [] };
    });
    const result = {
      changes: planned,
      before: [{ host: 'n1', column: 'web', rate: 50 }],
      served: [{ column: 'web', rate: 100 }],
      dropped: [],
    } as unknown as Result;
    const servers = new Map(NODES.map((name) => [name, { capacity: { cpu: 1 }, requests: null, quiesced: false }]));
    const profile = { matrix: KEY, apps: [appProfile('web', 100, { cpu: 0.01 })] };
    await this.#instances.decide(
      KEY,
      { spec, rows: this.#world.rows, servers, profile, usedByOthers: new Map() },
      { solve: () => Promise.resolve(result), isSame: () => true, still: null },
    );
    assert.ok(this.isBusy, this.#instances.report(KEY, spec).why);
  }

  /** At once: what is on its way to the API may arrive or not. */
  async die(): Promise<void> {
    clearInterval(this.#timer);
    this.#client.close();
    await this.#workloads.close();
  }
}

class World {
  readonly kubeconfig: string;
  rows: Rows = given;
  news: News[] = [];
  opened: string[] = [];

  constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
  }

  /** A proxy that has every weight at once, and nothing in flight. */
  counts(): CountsDocument {
    const column = [...(columnsOf(this.rows).get('web') ?? [])];
    const cells = column.map(([name, weight]) => ({
      server: `${NAMESPACE}/${name}`,
      app: 'web',
      weight,
      available: true,
      asked: 0,
      askedAvailable: 0,
      delivered: null,
      epochRequests: 0,
      requests: 0,
      retries: 0,
      sticky: 0,
      failures: 0,
    }));
    return { rows: [{ id: `matrix ${KEY} web`, epoch: 1, cells }], endpoints: [] };
  }
}

const nodesOf = (pods: readonly KubeObject[]) => pods.map((pod) => String(pod.spec.nodeName)).toSorted();
const isReady = (pod: KubeObject) => pod.status.phase === 'Running' && pod.metadata.deletionTimestamp === undefined;
const isCalm = (pods: readonly KubeObject[]) =>
  pods.every((pod) => isReady(pod) && pod.metadata.annotations?.[MARK] === undefined);
/** Nobody is left quiesced. */
const isServed = (rows: Rows) => [...columnsOf(rows).get('web')!.values()].every((weight) => weight > 0);
const on =
  (...nodes: string[]) =>
  (pods: readonly KubeObject[]) =>
    isCalm(pods) && nodesOf(pods).join() === nodes.join();

describe('instances on a real control plane', { skip: skipReason('cluster') }, () => {
  let cluster: PodsWithoutNodes;
  let world: World;
  let leader: Leader;
  const deployments = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
  const lead = async () => {
    leader = new Leader(world);
    await eventually('workloads are seen', () => leader.stalled() === '');
  };

  const told = (word: string) => eventually(word, () => world.news.some(({ reason }) => reason === word));

  before(async () => {
    cluster = await startPodsWithoutNodes(Object.fromEntries(NODES.map((name) => [name, '3Gi'])));
    const { client } = cluster.api;
    await client.create('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    await client.create(deployments, gatedDeployment('web'));
    world = new World(cluster.api.kubeconfig);
    leader = new Leader(world);
  });
  after(async () => {
    await leader?.die();
    await cluster?.stop();
  });

  test('a pod waits at its gate, is opened with an event, and a plan puts instances where they are to be', async () => {
    const [first] = await cluster.pods(NAMESPACE, (pods) => pods.length === 1 && isCalm(pods));
    const at = first!.spec.nodeName as string;
    assert.match(world.opened[0]!, /the gate is opened, with a preference for n\d: no place is planned for it/);
    const [next = '', last = ''] = NODES.filter((name) => name !== at);
    await leader.plan([`start ${next}`, `start ${last}`, `stop ${at}`]);
    await cluster.pods(NAMESPACE, on(...[next, last].toSorted()));
    await eventually('the plan is done', () => !leader.isBusy);
    assert.deepEqual(
      world.news.map(({ reason }) => reason),
      ['Starting', 'Starting', 'Started', 'Started', 'Stopping', 'Stopped'],
    );
    assert.ok(isServed(world.rows));
  });

  test('the leader may die after every step: nothing is lost, no gate stays shut, no mark and no quiesced cell is left', async () => {
    const { client } = cluster.api;
    const pods = (wished: (all: readonly KubeObject[]) => boolean) => cluster.pods(NAMESPACE, wished);
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      'a start is begun': () => told('Starting'),
      'its pod is there': () => pods((all) => all.length > 2),
      'its gate is open': () => eventually('an open gate', () => world.opened.length > 0),
      'it serves': () => told('Started'),
      'a stop is begun': () => told('Stopping'),
      'its pod is marked': () => pods((all) => all.some((pod) => pod.metadata.annotations?.[MARK] !== undefined)),
      'its pod is gone': () => pods((all) => all.length > 2).then(() => pods((all) => all.length === 2)),
    };
    /** Nodes of the pods, as soon as there are as many as are asked for, and nothing is left of a plan. */
    const settled = async () => {
      let nodes: string[] = [];
      await eventually('nothing is left of the plan', async () => {
        const [all, { spec: asked }] = await Promise.all([
          client.list(`/api/v1/namespaces/${NAMESPACE}/pods`),
          client.get(`${deployments}/web`),
        ]);
        nodes = nodesOf(all);
        return isCalm(all) && all.length === asked.replicas && isServed(world.rows);
      });
      return nodes;
    };
    let here = await settled();
    for (const [step, reached] of Object.entries(steps)) {
      assert.equal(here.length, 2, step);
      Object.assign(world, { news: [], opened: [] });
      const to = NODES.find((name) => !here.includes(name))!;
      await leader.plan([`start ${to}`, `stop ${here[0]}`]);
      await reached();
      await leader.die();
      await lead();
      here = await settled();
      assert.ok(here.length === 2 || here.length === 3, `${here.length} pods after: ${step}`);
      assert.equal(new Set(here).size, here.length, `each is on a node of its own after: ${step}`);
      if (here.length === 2) continue;
      await leader.plan([`stop ${here[0]}`]);
      await eventually('the plan is done', () => !leader.isBusy);
      const left = await settled();
      assert.deepEqual(left, here.slice(1), 'the one that was marked went');
      here = left;
    }
  });

  test('where an autoscaler or another field manager scales, nothing is done, and it is said why', async () => {
    const { client } = cluster.api;
    const scalers = `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`;
    await client.create(scalers, {
      metadata: { name: 'web' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 3,
      },
    });
    await eventually('it is seen', () => leader.stalled().includes('HorizontalPodAutoscaler shop/web scales'));
    await client.delete(`${scalers}/web`);
    await eventually('it is gone', () => leader.stalled() === '');
    await client.apply(
      `${deployments}/web`,
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 2 } },
      'somebody',
    );
    await eventually('it is seen', () =>
      /spec.replicas .* belongs to the field manager somebody: leave it out/.test(leader.stalled()),
    );
    await client.apply(
      `${deployments}/web`,
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
      'somebody',
    );
    await eventually('it is gone', () => leader.stalled() === '');
  });
});
