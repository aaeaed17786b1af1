import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';

import { appWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { AppWeightMatrix, RealServer } from '../api/parse.ts';
import { realServerSpec } from '../api/real-server.ts';
import { countedCell } from '../learning/fixture.ts';
import { appProfile } from '../manager/fixture.ts';
import type { KeptManager } from '../manager/kept-manager.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { Problem } from '../placement/problem/problem.ts';
import { SolverThread } from '../placement/thread/solver-thread.ts';
import { createLogger } from '../telemetry/log.ts';
import { PlacementManager } from './placement-manager.ts';

const solver = new SolverThread();
after(() => solver.close());

const meta = (name: string) => ({ name, namespace: 'd' }) as RealServer['metadata'];
const realServer = (name: string, cpu: number | null): RealServer => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind: 'RealServer',
  metadata: meta(name),
  spec: realServerSpec.parse({ address: '10.0.0.1', port: 80, ...(cpu === null ? {} : { capacity: { cpu } }) }),
});

function matrix(mode: string, more: object = {}): AppWeightMatrix {
  const spec = appWeightMatrixSpec.parse({
    mode,
    apps: [{ name: 'shop' }],
    rows: [
      { server: 'web1', weights: [{ app: 'shop', weight: 90 }] },
      { server: 'web2', weights: [{ app: 'shop', weight: 10 }] },
    ],
    ...more,
  });
  return { apiVersion: 'tcpvs.io/v1alpha1', kind: 'AppWeightMatrix', metadata: meta('m'), spec };
}

/** A server with a hundred requests a second of one app. */
class Stage {
  now = Date.UTC(2026, 0, 1);
  matrix = matrix('Auto');
  servers = [realServer('web1', 1), realServer('web2', 3)];
  applied = 0;
  kept: KeptManager | null = null;
  lines: string[] = [];
  asked: (problem: Problem) => void = () => undefined;
  closed = 0;
  readonly counted: Record<string, number> = { web1: 0, web2: 0 };

  open(kept: unknown = null): PlacementManager {
    return new PlacementManager({
      counts: () => Promise.resolve(this.counts()),
      proxies: () => ({ heard: 1, all: 1 }),
      solver: {
        solve: (problem, options) => {
          this.asked(problem);
          return solver.solve(problem, { ...options, budget: null });
        },
        close: () => Promise.resolve(void this.closed++),
      },
      mode: 'Standalone',
      workloads: null,
      objects: () => ({
        matrices: new Map([['d/m', this.matrix]]),
        realServers: new Map(this.servers.map((each) => [`d/${each.metadata.name}`, each])),
      }),
      className: 'tcpvs',
      profiles: () => ({ at: 0, matrices: [{ matrix: 'd/m', apps: [appProfile('shop', 100, { cpu: 0.01 })] }] }),
      apply: () => this.applied++,
      keep: (known) => Promise.resolve(void (this.kept = JSON.parse(JSON.stringify(known)) as KeptManager)),
      kept,
      log: createLogger({ level: 'info', to: { write: (line: string) => void this.lines.push(line) } }),
      now: () => this.now,
    });
  }

  counts(): CountsDocument {
    const cells = Object.entries(this.counted).map(([name, requests]) =>
      countedCell(`d/${name}`, 'shop', requests, { seconds: 0.01 }),
    );
    return { rows: [{ id: 'matrix d/m shop', epoch: 1, cells }], endpoints: [] };
  }

  /** A minute goes by. */
  async minute(manager: PlacementManager): Promise<void> {
    const rows = manager.rows('d/m', this.matrix.spec) ?? this.matrix.spec.rows;
    const sum = rows.reduce((total, { weights }) => total + weights[0]!.weight, 0);
    for (const { server, weights } of rows) this.counted[server]! += Math.round((6000 * weights[0]!.weight) / sum);
    this.now += 60_000;
    await manager.look();
  }
}

let stage: Stage;
beforeEach(() => (stage = new Stage()));

async function moved(manager: PlacementManager): Promise<void> {
  for (let minute = 0; minute < 13 && stage.applied === 0; minute++) await stage.minute(manager);
  assert.equal(stage.applied, 1);
}

test('what it decides is applied, kept, and in force from the first moment of the next run', async () => {
  const manager = stage.open();
  await moved(manager);
  const rows = manager.rows('d/m', stage.matrix.spec);
  assert.deepEqual(
    rows?.map(({ server, weights }) => [server, weights]),
    [
      ['web1', [{ app: 'shop', weight: 7002 }]],
      ['web2', [{ app: 'shop', weight: 2998 }]],
    ],
  );
  assert.equal(manager.rows('d/m', stage.matrix.spec), rows);
  assert.ok(stage.lines.some((line) => line.includes('weights are changed: with these weights the fullest host')));
  const again = stage.open(stage.kept);
  assert.deepEqual(again.rows('d/m', stage.matrix.spec), rows);
  const [placement] = again.placements();
  assert.deepEqual([placement?.rows, placement?.proven, placement?.at], [rows, 10, null]);
});

test('nothing it computes rules in Recommend or Static, and Static is the end of it', async () => {
  const manager = stage.open();
  await moved(manager);
  for (const mode of ['Recommend', 'Static']) assert.equal(manager.rows('d/m', matrix(mode).spec), null);
  stage.matrix = matrix('Static');
  await manager.look();
  assert.deepEqual(manager.placements(), []);
  assert.deepEqual(stage.kept?.matrices, []);
  assert.equal(stage.closed, 1);
  stage.matrix = matrix('Auto');
  assert.equal(manager.rows('d/m', stage.matrix.spec), null);
});

test('what was decided for an object that was edited meanwhile is not done', async () => {
  const manager = stage.open();
  for (let minute = 0; minute < 11; minute++) await stage.minute(manager);
  assert.equal(stage.applied, 0);
  stage.asked = () => (stage.matrix = matrix('Auto', { placement: { paused: true } }));
  await stage.minute(manager);
  assert.equal(stage.applied, 0);
  await manager.look();
  assert.match(manager.placements()[0]!.reason, /^placement.paused is set/);
});

test('says at once what is missing, and looks at nothing before an interval is over', async () => {
  stage.servers = [realServer('web1', 1), realServer('web2', null)];
  const manager = stage.open();
  await manager.look();
  const missing = 'RealServer web2: its capacity of cpu is not given: give spec.capacity.cpu';
  assert.equal(manager.placements()[0]?.reason, missing);
  stage.servers = [realServer('web1', 1), realServer('web2', 3)];
  stage.now += 59_999;
  await manager.look();
  assert.equal(manager.placements()[0]?.reason, missing);
  stage.now += 1;
  await manager.look();
  assert.match(manager.placements()[0]!.reason, /^with these weights/);
});

test('a solver that fails costs a cycle, and what cannot be read is not used', async () => {
  const manager = stage.open({ version: 7 });
  assert.ok(stage.lines.some((line) => line.includes('version 7 was read, expected 1')));
  await stage.minute(manager);
  stage.asked = () => {
    throw new Error('it died');
  };
  await stage.minute(manager);
  assert.equal(manager.placements()[0]?.reason, 'the weights stay: it died');
});
