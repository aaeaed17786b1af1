/** Computed weights of a running server: shown, in force, kept, ended by an edit; no request is lost meanwhile. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import { ROOT } from '../../src/cli/demo-serve.ts';
import type { KeptManager } from '../../src/manager/kept-manager.ts';
import { parseExposition } from '../../src/telemetry/exposition-check.ts';
import { admin, openStage, type Stage, status, until } from './stage.ts';

let stage: Stage;
let load: Load | null = null;
afterEach(async () => {
  await load?.stop();
  load = null;
  await stage.close();
});

interface Load {
  readonly answers: Map<string, number>;
  stop(): Promise<void>;
}

/** About a hundred requests per second, whatever becomes of them. */
function startLoad(): Load {
  const answers = new Map<string, number>();
  const open = new Set<Promise<void>>();
  const ask = async () => {
    const who = await stage.get('/shop/x').catch((error: Error) => error.message);
    answers.set(who, (answers.get(who) ?? 0) + 1);
  };
  const timer = setInterval(() => {
    const asked = ask().finally(() => open.delete(asked));
    open.add(asked);
  }, 10);
  return {
    answers,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

const HEAD = 'apiVersion: tcpvs.io/v1alpha1\n';

/** One core, and three of them: nine of ten requests go to the small one. */
function write(mode: string, { profile = 'profile: {cpu: 8m}', paused = false } = {}): void {
  const servers = stage.origins.map(
    ({ name, port }, at) =>
      `${HEAD}kind: RealServer\nmetadata: {name: ${name}}\nspec: {address: 127.0.0.1, port: ${port}, capacity: {cpu: ${at === 0 ? 1 : 3}}}\n`,
  );
  stage.write('servers.yaml', servers.join('---\n'));
  stage.write(
    'matrix.yaml',
    `${HEAD}kind: AppWeightMatrix
metadata: {name: m}
spec:
  mode: ${mode}
  apps: [{name: shop, ${profile}}]
  rows:
    - {server: web1, weights: [{app: shop, weight: 90}]}
    - {server: web2, weights: [{app: shop, weight: 10}]}
  placement: {interval: 2s, paused: ${paused}}
`,
  );
}

function rowsOf(web1: number, web2: number, since: string) {
  const weights = { web1, web2 };
  return Object.entries(weights).map(([server, weight]) => ({ server, weights: [{ app: 'shop', weight }], since }));
}

interface Computed {
  readonly rows?: { weights: { weight: number }[]; since: string }[];
  readonly recommendation?: { rows: { weights: { weight: number }[] }[]; reason: string };
}

async function computed(): Promise<Computed> {
  const object = (await status(stage)).objects.find(({ kind }) => kind === 'AppWeightMatrix');
  return object!.status as unknown as Computed;
}

/** Weights that the proxy dispatches by. */
async function inForce(): Promise<number[]> {
  const counts = await stage.serve.admin<{ rows: { id: string; cells: { weight: number }[] }[] }>('/v1/counts');
  return counts.rows.find(({ id }) => id === 'matrix default/m shop')?.cells.map(({ weight }) => weight) ?? [];
}

async function utilizations() {
  const samples = parseExposition((await admin(stage, '/metrics')).body);
  return samples.filter(({ name }) => name === 'tcpvs_placement_utilization');
}

function placement(): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(join(ROOT, 'bin/tcpvs'), ['placement', '--socket', stage.socket]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('close', () => resolve(text));
  });
}

test('weights are recommended, then computed ones rule, over a restart, until the object says Static', async () => {
  stage = await openStage();
  write('Recommend', { profile: '' });
  await stage.start();
  await until(
    computed,
    ({ recommendation }) => recommendation?.reason.startsWith('nothing is asked of any app') === true,
  );
  load = startLoad();
  await until(computed, ({ recommendation }) => /the cost of a request is neither/.test(recommendation?.reason ?? ''));

  write('Recommend');
  const { recommendation, rows } = await until(computed, (known) => (known.recommendation?.rows.length ?? 0) > 0);
  const [web1 = 0, web2 = 0] = recommendation!.rows.map(({ weights }) => weights[0]!.weight);
  assert.ok(Math.abs(web1 - 2500) < 300, String(web1));
  assert.equal(web1 + web2, 10_000);
  assert.match(recommendation!.reason, /with those in force web1 is.* of 10 cycles in a row came as predicted/);
  assert.equal(rows, undefined);
  assert.deepEqual(await inForce(), [90, 10]);
  const shown = /^default\/m Recommend: the object's weights rule\n[^]*web1 90\.0 → [23]\d\.\d {2}web2 10\.0 → [67]\d/;
  await until(placement, (text) => shown.test(text));
  const levels = await until(utilizations, (samples) => samples.length > 0);
  assert.deepEqual(
    levels.map(({ labels }) => labels['weights']),
    ['in_force', 'recommended'],
  );
  assert.ok(levels[0]!.value > 2 * levels[1]!.value);

  // Ten cycles that came as predicted, and a first step, without waiting for them: what a run before has kept counts.
  await load.stop();
  await stage.serve.stop();
  const file = join(stage.state, 'placement.json');
  const kept = JSON.parse(readFileSync(file, 'utf8')) as KeptManager;
  const [[matrix, state]] = kept.matrices as [KeptManager['matrices'][number]];
  const since = '2026-01-01T00:00:00Z';
  const before = { ...state, rows: rowsOf(8000, 2000, since), trust: { good: 10, misses: 0, since: null } };
  writeFileSync(file, JSON.stringify({ ...kept, matrices: [[matrix, before]] }));
  write('Auto', { paused: true });
  await stage.start();
  assert.deepEqual(await inForce(), [8000, 2000]);
  load = startLoad();
  await until(computed, ({ recommendation: { reason } = { reason: '' } }) =>
    reason.startsWith('placement.paused is set'),
  );
  assert.deepEqual((await computed()).rows, rowsOf(8000, 2000, since));
  write('Auto');
  const moved = await until(computed, (known) => known.rows?.[0]?.since !== since);
  const weights = moved.rows!.map((row) => row.weights[0]!.weight);
  assert.ok(weights[1]! > 3500 && weights[1]! <= 8000, String(weights));
  await until(inForce, ([, second]) => second! > 3500);
  assert.match(stage.serve.output(), /matrix default\/m: weights are changed: with these weights the fullest host/);

  write('Static');
  await until(inForce, (now) => now.join(':') === '90:10');
  assert.equal((await computed()).recommendation, undefined);
  await load.stop();
  assert.deepEqual([...load.answers.keys()].toSorted(), ['web1', 'web2']);
});
