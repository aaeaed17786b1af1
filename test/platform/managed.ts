/**
 * `make managed`: example 23 in a whole cluster, whose nodes have room for one instance each. What is asked for moves from one app to
 * the other: an instance is stopped and one of the other app takes its place; then the chart is removed while pods wait at their gate.
 * No request may fail. Exit status 1 where something is not so.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { KubeObject } from '../cluster/api-client.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { installChart } from '../cluster/installation.ts';
import { PlaceAgent } from '../cluster/place.ts';
import { ask } from './asking.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/23-managed-instances');
const URL = 'http://tcpvs-proxy.tcpvs-system.svc.cluster.local';
const CONTROLLERS = '/api/v1/namespaces/tcpvs-system/pods?labelSelector=app.kubernetes.io/component=controller';
const NODES = ['node-1', 'node-2', 'node-3'];
/** Nodes have 256 Gi. */
const MEMORY = '200Gi';
const started = performance.now();

const say = (text: string) =>
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);

/** Looks again until it is so, for so many seconds. */
async function until(what: string, seconds: number, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 1000 * seconds;
  while (!(await check())) {
    assert.ok(performance.now() < deadline, `after ${seconds} s still not: ${what}`);
    await sleep(1000);
  }
  say(what);
}

/** Open-loop requests of the apps, so many per second. */
class Clients {
  readonly rate: Record<string, number>;
  readonly counts = { asked: 0, failed: 0 };
  readonly #agent: PlaceAgent;
  readonly #running: Promise<void>[];
  #isOver = false;

  constructor(cluster: Cluster, rate: Record<string, number>) {
    this.rate = rate;
    this.#agent = new PlaceAgent(cluster.outside, { keepAlive: true, maxSockets: 50 });
    this.#running = Object.keys(rate).map((app) => this.#run(app));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
    this.#agent.destroy();
  }

  async #run(app: string): Promise<void> {
    const answers: Promise<void>[] = [];
    while (!this.#isOver) {
      this.counts.asked++;
      answers.push(
        ask(this.#agent, `${URL}/${app}/`).then(
          ({ status }) => status === 200 || this.#failed(app, `status ${status}`),
          (error: Error) => this.#failed(app, error.message),
        ) as Promise<void>,
      );
      await sleep((-1000 * Math.log(1 - Math.random())) / this.rate[app]!);
    }
    await Promise.all(answers);
  }

  #failed(app: string, why: string): void {
    this.counts.failed++;
    say(`a request of ${app} failed: ${why}`);
  }
}

const cluster = await startCluster({ nodes: NODES.map((name) => ({ name })) });
try {
  await run(cluster);
} finally {
  await cluster.stop();
}
process.exit();

async function run(whole: Cluster): Promise<void> {
  const { client } = whole;
  const must = async (args: readonly string[], input?: string) => {
    const { code, stderr } = await whole.kubectl(args, input);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
  };
  const patch = (what: readonly string[], type: string, body: unknown) =>
    must(['-n', 'managed', 'patch', ...what, `--type=${type}`, '-p', JSON.stringify(body)]);
  const pods = async (app: string) =>
    (await client.list(`/api/v1/namespaces/managed/pods?labelSelector=app=${app}`)).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
  const ready = async (app: string) => (await pods(app)).filter(isReady).length;

  // Whoever reports seldom is not heard of within two intervals as short as these.
  await installChart(whole, { values: { placement: { manage: true }, proxy: { replicas: 1 } } });
  await must(['apply', '--server-side', '-k', EXAMPLE]);
  const matrix = await client.get('/apis/tcpvs.io/v1alpha1/namespaces/managed/appweightmatrices/apps');
  for (const app of matrix.spec.apps) app.minInstances = 1;
  await patch(['awm', 'apps'], 'merge', { spec: { apps: matrix.spec.apps, placement: { interval: '2s' } } });
  for (const name of NODES) await patch(['rsv', name], 'merge', { spec: { capacity: { cpu: '1' } } });
  for (const name of ['shop', 'bank']) {
    const path = '/spec/template/spec/containers/0/resources/requests/memory';
    await patch(['deploy', name], 'json', [{ op: 'replace', path, value: MEMORY }]);
  }
  // Handed over as docs/placement.md says.
  const two = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'managed' },
    spec: { replicas: 2 },
  };
  const asUs = ['--server-side', '--field-manager=tcpvs-placement', '--force-conflicts'];
  await must(['apply', ...asUs, '-f', '-'], JSON.stringify(two));
  await until('two instances of shop and one of bank, on nodes of their own', 60, async () => {
    const all = [...(await pods('shop')), ...(await pods('bank'))];
    return all.length === 3 && all.every(isReady) && new Set(all.map(({ spec }) => spec.nodeName)).size === 3;
  });

  const clients = new Clients(whole, { shop: 55, bank: 20 });
  await until('weights are computed', 60, async () => {
    const { status } = await client.get('/apis/tcpvs.io/v1alpha1/namespaces/managed/appweightmatrices/apps');
    return String(status?.recommendation?.reason).startsWith('the weights are as good as any');
  });
  Object.assign(clients.rate, { shop: 15, bank: 60 });
  await until(
    'one instance of shop and two of bank',
    400,
    async () => (await ready('shop')) === 1 && (await ready('bank')) === 2,
  );
  await sleep(5000);
  await clients.stop();
  const { asked, failed } = clients.counts;
  say(`${asked} requests, ${failed} failed`);
  assert.equal(failed, 0);

  await must(['-n', 'tcpvs-system', 'scale', 'deploy', 'tcpvs-controller', '--replicas=0']);
  await until('no controller runs', 60, async () => (await client.list(CONTROLLERS)).length === 0);
  await must(['-n', 'managed', 'delete', 'pod', '-l', 'app=bank', '--wait=false']);
  await until('pods wait at their gate', 60, async () => {
    const all = await pods('bank');
    return all.length === 2 && all.every(({ spec }) => spec.schedulingGates?.[0].name === 'tcpvs.io/placement');
  });
  const { code, stderr } = await whole.helm([
    'uninstall',
    'tcpvs',
    '--namespace',
    'tcpvs-system',
    '--wait',
    '--timeout',
    '120s',
  ]);
  assert.equal(code, 0, stderr);
  await until('the chart is gone, and they are on nodes', 60, async () => (await ready('bank')) === 2);
}

function isReady({ status }: KubeObject): boolean {
  const conditions = (status?.conditions ?? []) as readonly { readonly type: string; readonly status: string }[];
  return conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
}
