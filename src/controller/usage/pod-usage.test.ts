import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appWeightMatrixSpec } from '../../api/app-weight-matrix.ts';
import { realServerSpec } from '../../api/real-server.ts';
import { ApiError } from '../../kube/api-error.ts';
import { givenMatrices } from '../../learning/given.ts';
import { ProfileBook } from '../../learning/profile-book.ts';
import { seededRandom } from '../../placement/random.ts';
import { createLogger } from '../../telemetry/log.ts';
import { PodUsage } from './pod-usage.ts';

const START = Date.UTC(2026, 0, 1);
/** Core-seconds of a request. */
const COST = { shop: 0.004, batch: 0.05 };
const RATE = { shop: 40, batch: 5 };
type App = keyof typeof COST;
const APPS = ['shop', 'batch'] as const;

const spec = appWeightMatrixSpec.parse({
  apps: APPS.map((name) => ({ name, serviceRef: { name, port: 80 } })),
  rows: ['n1', 'n2'].map((server) => ({ server, weights: APPS.map((app) => ({ app, weight: 1 })) })),
});
const matrices = new Map([['d/m', { spec } as never]]);

/** Two nodes, a pod of each app on each, and metrics-server, which has a new window every fifteen seconds. */
class Cluster {
  now = START;
  readonly lines: string[] = [];
  refusal: ApiError | null = null;
  /** Pods that it says nothing of. */
  readonly missing = new Set<string>();
  windowsFor = Infinity;
  readonly #random = seededRandom(7);
  readonly #used = new Map<string, number>();
  #samples: object[] = [];
  readonly book = new ProfileBook({ usesAreLate: true });
  readonly usage = new PodUsage({
    api: { call: <T>(_method: string, path: string) => this.#call(path) as Promise<T> },
    period: 15,
    world: () => ({
      matrices,
      given: givenMatrices(matrices),
      realServers: new Map(
        ['n1', 'n2'].map((name) => [`d/${name}`, { spec: realServerSpec.parse({ nodeName: name }) } as never]),
      ),
      cluster: {
        nodes: new Map(),
        slices: new Map(
          APPS.map((app) => [
            `d/${app}`,
            [
              {
                addressType: 'IPv4',
                ports: [],
                endpoints: ['n1', 'n2'].map((nodeName) => ({
                  addresses: [],
                  ready: true,
                  serving: true,
                  terminating: false,
                  nodeName,
                  podUid: null,
                  podName: `${app}-${nodeName}`,
                })),
              },
            ],
          ]),
        ),
      },
    }),
    book: this.book,
    log: createLogger({ level: 'info', to: { write: (line: string) => void this.lines.push(line) } }),
    now: () => this.now,
  });

  #call(path: string): Promise<unknown> {
    assert.equal(path, '/apis/metrics.k8s.io/v1beta1/namespaces/d/pods');
    return this.refusal === null
      ? Promise.resolve({ metadata: {}, items: this.#samples })
      : Promise.reject(this.refusal);
  }

  async seconds(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      // What is asked varies, and rests now and then.
      const level = Math.floor((this.now - START) / 300_000) % 4 === 3 ? 0 : 0.4 + 1.2 * this.#random();
      const windows = ['n1', 'n2'].flatMap((node) =>
        APPS.map((app) => {
          const answered = Math.round(level * RATE[app] * (0.5 + this.#random()));
          const pod = `${app}-${node}`;
          this.#used.set(pod, (this.#used.get(pod) ?? 0) + answered * COST[app] + 0.01);
          const counts = {
            arrivals: answered,
            answered,
            seconds: answered * 0.02,
            failures: 0,
            timeouts: 0,
            levels: null,
          };
          return { matrix: 'd/m', server: `d/${node}`, app, ...counts };
        }),
      );
      const before = this.now;
      this.now += 1000;
      this.book.add(windows, 1, this.now, () => 60);
      this.usage.answered(windows, before, this.now);
      const passed = (this.now - START) / 1000;
      if (passed % 15 === 0 && passed <= this.windowsFor) this.#scrape();
      // It is asked some seconds after there is a new one.
      if (passed % 15 === 4) await this.usage.look();
    }
  }

  #scrape(): void {
    this.#samples = [...this.#used].flatMap(([name, used]) =>
      this.missing.has(name)
        ? []
        : [
            {
              metadata: { name, namespace: 'd' },
              timestamp: new Date(this.now).toISOString(),
              window: '15s',
              containers: [{ name: 'app', usage: { cpu: `${Math.round((used / 15) * 1e9)}n` } }],
            },
          ],
    );
    this.#used.clear();
  }

  cost(app: App) {
    const [profile] = givenMatrices(matrices).map((each) => this.book.profile(each, this.now));
    return profile!.apps.find((each) => each.app === app)!.cost['cpu'];
  }
}

test('what a request costs is learned from windows that are known when they are over', async () => {
  const cluster = new Cluster();
  await cluster.seconds(3600);
  for (const app of APPS) {
    const { value, source, error } = cluster.cost(app)!;
    assert.equal(source, 'learned');
    assert.ok(Math.abs(value / COST[app] - 1) < 0.05, `${app}: ${value} ±${error}`);
  }
  assert.deepEqual(cluster.lines, []);
});

test('a window counts once, and not without those of all pods of its node', async () => {
  const cluster = new Cluster();
  cluster.windowsFor = 0;
  await cluster.seconds(60);
  cluster.windowsFor = Infinity;
  const count = () => cluster.book.resources.get('d/m')?.workloads.get('shop')?.costs.get('cpu')?.equations.rows ?? 0;
  await cluster.seconds(120);
  cluster.windowsFor = 0;
  await cluster.seconds(15);
  const rows = count();
  assert.ok(rows > 5, String(rows));
  await cluster.seconds(120);
  assert.equal(count(), rows, 'the same window, again and again');
  cluster.windowsFor = Infinity;
  for (const node of ['n1', 'n2']) cluster.missing.add(`batch-${node}`);
  await cluster.seconds(120);
  assert.equal(count(), rows, 'its neighbour is not seen');
});

test('says once what is in the way, and what to do about it, and when it is over', async () => {
  const cluster = new Cluster();
  cluster.refusal = new ApiError('GET pods: not found', 404, 'NotFound');
  await cluster.seconds(60);
  cluster.refusal = new ApiError('GET pods: forbidden', 403, 'Forbidden');
  await cluster.seconds(60);
  cluster.refusal = new ApiError('GET pods: no answer within 30000 ms', 0, 'Timeout');
  await cluster.seconds(60);
  cluster.refusal = null;
  await cluster.seconds(60);
  const said = cluster.lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  assert.match(
    said[0]!,
    /what requests cost in d is not learned: this cluster has no metrics API .*: install metrics-server/,
  );
  assert.match(said[1]!, /the controller may not read it: set podMetrics.enabled among the chart's values/);
  assert.match(said[2]!, /no answer within/);
  assert.match(said[3]!, /the metrics API tells of pods in d again/);
  assert.equal(said.length, 4);
});
