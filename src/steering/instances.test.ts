/** Instances of two apps in a cluster of three nodes, whose demand moves; by the clock of the test, second by second. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { Cluster, leftovers } from '../actuation/fixture.ts';
import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { AppWeightMatrix, RealServer } from '../api/parse.ts';
import { realServerSpec } from '../api/real-server.ts';
import { countedCell } from '../learning/fixture.ts';
import { appProfile } from '../manager/fixture.ts';
import { NEEDED } from '../manager/trust.ts';
import type { CellCounts, CountsDocument } from '../model/counts.ts';
import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import type { WhyNot } from '../model/workloads.ts';
import { compileModel } from '../placement/model.ts';
import { parseProblem } from '../placement/problem/problem-file.ts';
import { seededRandom } from '../placement/random.ts';
import { resultOf } from '../placement/result.ts';
import { solve } from '../placement/solve.ts';
import { createLogger } from '../telemetry/log.ts';
import { emptyFacts } from '../translate/cluster-facts.ts';
import { rowsInForce } from '../translate/matrices.ts';
import type { Workloads } from './instances.ts';
import { PlacementManager } from './placement-manager.ts';

const NODES = ['n1', 'n2', 'n3'];
const APPS = ['shop', 'bank'] as const;
const COST = 0.01;
const START = ['bank on n3', 'shop on n1', 'shop on n2'];

function problem() {
  const parsed = parseProblem({
    hosts: NODES.map((name) => ({ name, capacity: { cpu: '1' }, memory: '2' })),
    workloads: APPS.map((name) => ({ name, memory: '1', minInstances: 1, maxInstances: 9 })),
    columns: APPS.map((name) => ({ name, workload: name, rate: '1', cost: { cpu: String(COST) } })),
    current: [
      { host: 'n1', workload: 'shop' },
      { host: 'n2', workload: 'shop' },
      { host: 'n3', workload: 'bank' },
    ],
  });
  assert.ok(parsed.ok);
  return parsed.problem;
}

class World {
  readonly cluster: Cluster;
  readonly rate: Record<string, number> = { shop: 40, bank: 40 };
  /** Relative noise of a minute's arrivals. */
  noise = 0.02;
  whyNot: WhyNot | null = null;
  /** What an answer of an app takes at a node. */
  seconds: (app: string, node: string) => number = () => 0.01;
  matrix: AppWeightMatrix;
  manager: PlacementManager;
  readonly news: string[] = [];
  readonly writes: string[] = [];
  moves = 0;
  #least = 1;
  readonly #random: () => number;
  readonly #counted = new Map<string, number>();
  readonly #taken = new Map<string, number>();
  readonly #factor: Record<string, number> = { shop: 1, bank: 1 };
  readonly #seen: Record<string, number> = {};

  constructor(seed = 1, placement: object = {}) {
    this.#random = seededRandom(seed);
    this.cluster = new Cluster(problem(), this.#random);
    this.matrix = this.#object({ placement });
    this.manager = this.open();
  }

  /** Another one leads from now on, that knows what stands in the status alone. */
  open(): PlacementManager {
    const { cluster } = this;
    const workloads: Workloads = {
      seen: () => {
        const seen = cluster.seen();
        const all = [...seen.workloads].map(([name, each]) => [name, { ...each, whyNot: this.whyNot }] as const);
        return { ok: true, seen: { ...seen, workloads: new Map(all) } };
      },
      served: () => cluster.proxies(),
      reserved: () => new Map(),
      write: (_, writes) => {
        for (const write of writes) {
          this.writes.push(write.kind);
          cluster.write(write);
        }
      },
      tell: (_, news) => this.news.push(...news.map(({ note }) => note)),
    };
    return new PlacementManager({
      counts: () => Promise.resolve(this.#counts()),
      proxies: () => ({ heard: 1, all: 1 }),
      solver: {
        solve: (of, options) => {
          const model = compileModel(of);
          return Promise.resolve(resultOf(model, solve(model, { exact: false, rounds: options?.rounds ?? 50 }), 0));
        },
        close: () => Promise.resolve(),
      },
      mode: 'Cluster',
      workloads,
      objects: () => ({
        matrices: new Map([['d/m', this.matrix]]),
        realServers: new Map(NODES.map((name) => [`d/${name}`, realServer(name)])),
        cluster: emptyFacts,
      }),
      className: 'tcpvs',
      profiles: () => ({
        at: 0,
        matrices: [
          {
            matrix: 'd/m',
            apps: APPS.map((app) => appProfile(app, this.#seen[app] ?? this.rate[app]!, { cpu: COST })),
          },
        ],
      }),
      apply: () => this.#apply(),
      keep: null,
      kept: null,
      log: createLogger({ level: 'silent' }),
      now: () => cluster.now,
    });
  }

  get rows(): Rows {
    return rowsInForce(this.matrix.spec, this.matrix.status, 'Cluster');
  }

  /** An edit of the object. */
  edit(more: object): void {
    this.matrix = { ...this.#object(more), status: this.matrix.status! };
  }

  /** Every second the manager looks; requests come all the time. */
  async second(): Promise<void> {
    if (this.cluster.now % 60_000 === 0) {
      for (const app of APPS) this.#factor[app] = 1 + this.noise * (2 * this.#random() - 1);
    }
    for (const app of APPS) {
      // A mean over a minute, as the learner has it.
      const now = this.rate[app]! * this.#factor[app]!;
      this.#seen[app] = (this.#seen[app] ?? now) + (now - (this.#seen[app] ?? now)) / 60;
      const live = this.cluster.live(app).map(({ host }) => host!);
      const weights = live.map((host) => columnsOf(this.rows).get(app)!.get(host) ?? 0);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      assert.ok(sum > 0, `nobody takes requests of ${app}`);
      for (const [at, host] of live.entries()) {
        const id = `${app} ${host}`;
        const count = (now * weights[at]!) / sum;
        this.#counted.set(id, (this.#counted.get(id) ?? 0) + count);
        this.#taken.set(id, (this.#taken.get(id) ?? 0) + count * this.seconds(app, host));
      }
    }
    const before = this.rows;
    await this.manager.look();
    this.cluster.served = before;
    this.cluster.tick();
    for (const app of APPS) assert.ok(this.cluster.live(app).length >= this.#least, `no ${app} is ready`);
  }

  async minutes(count: number, until: () => boolean = () => false): Promise<void> {
    for (let at = 0; at < 60 * count && !until(); at++) await this.second();
  }

  placed(): string[] {
    return this.cluster.pods.map(({ workload, host }) => `${workload} on ${host}`).toSorted();
  }

  reason(): string {
    return this.manager.placements()[0]!.reason;
  }

  #object({ mode = 'Auto', placement = {} }: { readonly mode?: string; readonly placement?: object }): AppWeightMatrix {
    const spec = appWeightMatrixSpec.parse({
      mode,
      apps: APPS.map((name) => ({
        name,
        workloadRef: { kind: 'Deployment', name },
        minInstances: 1,
      })),
      rows: NODES.map((server) => ({
        server,
        weights: START.flatMap((each) => (each.endsWith(server) ? [{ app: each.split(' ')[0], weight: 1 }] : [])),
      })),
      placement: { actuate: 'Manage', interval: '60s', ...placement },
    });
    return { apiVersion: 'tcpvs.io/v1alpha1', kind: 'AppWeightMatrix', metadata: meta('m'), spec };
  }

  #apply(): void {
    this.moves++;
    const rows = this.manager.rows('d/m', this.matrix.spec);
    const status = { conditions: [], shares: [], rows: (rows ?? []) as never };
    this.matrix = { ...this.matrix, status };
  }

  #counts(): CountsDocument {
    const rows = APPS.map((app) => ({
      id: `matrix d/m ${app}`,
      epoch: 1,
      cells: NODES.map((name): CellCounts => {
        const requests = Math.round(this.#counted.get(`${app} ${name}`) ?? 0);
        const available = this.cluster.live(app).some(({ host }) => host === name);
        const cell = countedCell(`d/${name}`, app, requests, { seconds: 0.01, available });
        return { ...cell, work: { ...cell.work!, seconds: this.#taken.get(`${app} ${name}`) ?? 0 } };
      }),
    }));
    return { rows, endpoints: [] };
  }
}

const meta = (name: string) => ({ name, namespace: 'd' }) as RealServer['metadata'];
const realServer = (name: string): RealServer => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'RealServer',
  metadata: meta(name),
  spec: realServerSpec.parse({ nodeName: name, capacity: { cpu: '1' } }),
});

const isOn = (world: World, app: string, node: string): boolean =>
  world.cluster.live(app).some(({ host }) => host === node);

/** What is asked for moves from one app to the other: one node is not enough for it any more. */
async function moved(world: World): Promise<void> {
  await world.minutes(NEEDED + 2);
  assert.deepEqual(world.placed(), START);
  Object.assign(world.rate, { shop: 30, bank: 130 });
}

describe('instances', () => {
  it('follow the demand, weights first, and nobody is without a ready one meanwhile', async () => {
    const world = new World();
    await moved(world);
    await world.minutes(30, () => world.news.some((note) => note.includes('is started')));
    assert.match(world.news[0]!, /^an instance of bank is started for n[12]: .* of the demand is served in place of/);
    await world.minutes(2, () => world.news.some((note) => note.startsWith('bank serves on')));
    assert.equal(world.cluster.replicas.get('bank'), 2);
    await world.minutes(2);
    assert.match(world.reason(), /left alone after the last plan, until 2026-01-01T00:[0-9:]+Z at most: bank$/);
    await world.minutes(6);
    assert.doesNotMatch(world.reason(), /left alone/);
    assert.deepEqual(leftovers(world.cluster), []);
    const [{ stalled, instances } = {}] = world.manager.placements();
    assert.equal(stalled, null);
    assert.deepEqual(instances, { starts: 1, stops: 0, dropped: 0 });
  });

  it('go back to where they were when clients are worse off, and stay there', async () => {
    const world = new World();
    // Beside each other both are slow.
    const beside = (app: string, node: string) => APPS.every((each) => each === app || isOn(world, each, node));
    world.seconds = (app, node) => (beside(app, node) ? 0.05 : 0.01);
    await moved(world);
    await world.minutes(30, () => world.cluster.live('bank').length === 2);
    const since = world.cluster.now;
    await world.minutes(10, () => world.placed().length === START.length);
    assert.deepEqual(world.placed(), START);
    const [{ returns, instances } = {}] = world.manager.placements();
    assert.deepEqual([returns, instances], [1, { starts: 1, stops: 1, dropped: 0 }]);
    assert.match(world.news.join('\n'), /clients were worse off/);
    await world.minutes(20);
    assert.deepEqual(world.placed(), START, 'half an hour passes before it is tried again');
    assert.ok(world.cluster.now - since < 31 * 60_000);
    assert.deepEqual(leftovers(world.cluster), []);
    for (const { weights } of world.rows) for (const { weight } of weights) assert.ok(weight > 0);
  });

  it('do not go back where nobody is to act any more', async () => {
    const world = new World();
    const beside = (app: string, node: string) => APPS.every((each) => each === app || isOn(world, each, node));
    world.seconds = (app, node) => (beside(app, node) ? 0.05 : 0.01);
    await moved(world);
    await world.minutes(30, () => world.manager.placements()[0]!.returns === 1);
    world.edit({ mode: 'Recommend' });
    await world.minutes(5);
    world.edit({});
    await world.minutes(15);
    assert.equal(world.placed().length, 4, world.placed().join(', '));
    assert.deepEqual(leftovers(world.cluster), []);
  });

  it('of a plan that is under way when clients are worse off go back, too', async () => {
    const world = new World();
    await moved(world);
    await world.minutes(30, () => world.news.some((note) => note.includes('is started')));
    world.seconds = () => 0.05;
    await world.minutes(12);
    assert.deepEqual(world.placed(), START);
    assert.deepEqual(leftovers(world.cluster), []);
  });

  it('stay as they are under demand that is only noisy: nothing changes more than once in ten cycles', async () => {
    for (const seed of [1, 2, 3]) {
      const world = new World(seed);
      world.noise = 0.2;
      await world.minutes(50 + NEEDED);
      assert.deepEqual(world.placed(), START);
      assert.ok(world.moves <= 5, `${world.moves} changes`);
      assert.deepEqual(world.writes, []);
    }
  });

  it('freeze at once when paused, and go on from what runs when that is over', async () => {
    const world = new World();
    await moved(world);
    await world.minutes(30, () => world.cluster.replicas.get('bank') === 2);
    world.edit({ placement: { paused: true } });
    const { moves } = world;
    await world.minutes(5);
    assert.equal(world.moves, moves);
    assert.match(world.news.at(-1)!, /the rest of the plan is dropped, since placement.paused is set/);
    assert.match(world.reason(), /placement.paused is set/);
    // Nobody is left waiting at a gate.
    assert.deepEqual(leftovers(world.cluster), []);
    assert.deepEqual([...new Set(world.writes)], ['Scale', 'Open']);
    world.edit({});
    await world.minutes(5);
    assert.equal(world.cluster.live('bank').length, 2);
  });

  it('are left alone where somebody else scales them, and it is said why', async () => {
    const world = new World();
    world.whyNot = { reason: 'ScaledByOthers', message: 'HorizontalPodAutoscaler d/bank scales Deployment d/bank' };
    await moved(world);
    await world.minutes(10);
    assert.deepEqual(world.placed(), START);
    assert.deepEqual(world.writes, []);
    const { stalled } = world.manager.placements()[0]!;
    assert.equal(stalled?.reason, 'ScaledByOthers');
    assert.match(stalled.message, /^weights alone: HorizontalPodAutoscaler d\/bank scales/);
  });

  it('are recommended in mode Recommend, and nothing is done', async () => {
    const world = new World();
    world.edit({ mode: 'Recommend' });
    await moved(world);
    await world.minutes(10);
    assert.deepEqual(world.placed(), START);
    const { changes } = world.manager.placements()[0]!;
    assert.deepEqual(
      changes.map(({ op, app }) => `${op} ${app}`),
      ['Start bank'],
    );
    assert.match(world.reason(), /1 start.*mode is Recommend, so nothing is started or stopped/);
    assert.deepEqual(world.writes, []);
  });

  it('whoever leads may die at any second of a plan: the next one comes to the same, and nothing is left behind', async () => {
    for (const after of [0, 1, 2, 3, 4, 5, 6, 8]) {
      const world = new World();
      await moved(world);
      await world.minutes(30, () => world.news.length > 0);
      for (let at = 0; at < after; at++) await world.second();
      world.manager = world.open();
      await world.minutes(NEEDED + 20);
      assert.deepEqual(leftovers(world.cluster), []);
      // Which of the two nodes with room, is nobody's matter.
      assert.ok(world.placed().length === 4 && new Set(world.placed()).size === 4, world.placed().join(', '));
      assert.equal(world.cluster.live('bank').length, 2);
      for (const { weights } of world.rows) for (const { weight } of weights) assert.ok(weight > 0);
    }
  });
});
