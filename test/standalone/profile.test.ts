/** Profiles of a running server: learned, shown, overridden, kept. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import { ROOT } from '../../src/cli/demo-serve.ts';
import type { ProfilesDocument } from '../../src/model/profiles.ts';
import { parseExposition } from '../../src/telemetry/exposition-check.ts';
import { admin, openStage, type Stage, status, tally, until } from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

const profiles = () => stage.serve.admin<ProfilesDocument>('/v1/profiles');
const shopOf = ({ matrices }: ProfilesDocument) => matrices[0]?.apps[0];

function profile(...args: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(ROOT, 'bin/tcpvs'), ['profile', '--socket', stage.socket, ...args]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('close', (code) => resolve({ code, text }));
  });
}

test('what is asked of an app is learned, shown, and known again after a restart', async () => {
  stage = await openStage();
  await stage.start();
  assert.deepEqual(shopOf(await profiles())?.demand, {
    value: 0,
    source: 'default',
    count: 0,
    error: 0,
    upper: 0,
    age: null,
  });
  await until(
    async () => {
      await tally(stage, 40);
      return shopOf(await profiles());
    },
    (shop) => shop!.demand.count >= 100 && shop!.seconds !== null,
  );
  const shop = shopOf(await profiles())!;
  assert.equal(shop.demand.source, 'learned');
  assert.ok(shop.demand.value > 0 && shop.seconds!.value > 0);
  assert.deepEqual(
    shop.cells.map(({ server }) => server),
    ['default/web1', 'default/web2'],
  );

  const { code, text } = await profile('--cells');
  assert.equal(code, 0);
  assert.match(text, /^default\/m\napp .*\nshop +[\d.]+ .* requests, now\n {2}at web1 /);
  const json = JSON.parse((await profile('m', '--json')).text) as ProfilesDocument;
  assert.equal(shopOf(json)?.app, 'shop');
  assert.deepEqual(await profile('other'), {
    code: 1,
    text: 'tcpvs: there is no matrix default/other; there is default/m\n',
  });

  const metrics = parseExposition((await admin(stage, '/metrics')).body);
  const demand = metrics.find(({ name }) => name === 'tcpvs_app_demand_requests_per_second');
  assert.deepEqual(demand?.labels, { matrix: 'default/m', app: 'shop' });
  assert.ok(demand.value > 0);
  const matrix = (await status(stage)).objects.find(({ kind }) => kind === 'AppWeightMatrix');
  const [shown] = matrix!.status['profiles'] as { app: string; demand: { source: string } }[];
  assert.deepEqual([shown?.app, shown?.demand.source], ['shop', 'Learned']);

  const { count } = shopOf(await profiles())!.demand;
  await stage.serve.stop();
  assert.ok(existsSync(join(stage.state, 'profiles.json')));
  await stage.start();
  assert.ok(shopOf(await profiles())!.demand.count >= count);
});

test('what a manifest says is taken for known; what was kept and cannot be read is said and not used', async () => {
  stage = await openStage();
  const file = join(stage.directory, 'matrix.yaml');
  const text = readFileSync(file, 'utf8');
  await stage.start();
  await stage.serve.stop();
  writeFileSync(join(stage.state, 'profiles.json'), '{"version": 1, "matrices": 7}');
  await stage.start();
  assert.match(stage.serve.output(), /what was learned of the apps before is not used: matrices/);
  writeFileSync(file, text.replace('{name: shop}', '{name: shop, demand: {rate: "120"}, profile: {cpu: 8m}}'));
  const shop = await until(
    async () => shopOf(await profiles()),
    (known) => known?.demand.source === 'given',
  );
  assert.equal(shop!.demand.value, 120);
  assert.equal(shop!.cost['cpu']?.value, 0.008);
  assert.match((await profile()).text, /^shop +120 given .*cpu 0\.008 given/m);
});
