import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import { parseExposition } from '../../src/telemetry/exposition-check.ts';
import {
  admin,
  openStage,
  type Stage,
  status,
  tally,
  tcpvsadm,
  until,
  virtualServer,
  weightsInForce,
} from './stage.ts';

let stage: Stage;
afterEach(() => stage.close());

test('an edited manifest is in force without a lost request, and the shares are exact before and after', async () => {
  stage = await openStage();
  await stage.start();
  assert.deepEqual(await tally(stage, 400), { web1: 300, web2: 100 });
  // Load runs while the weights change to and fro.
  const load = tally(stage, 800);
  for (const [web1, web2] of [
    [1, 1],
    [0, 5],
    [1, 3],
  ] as const) {
    stage.weights(web1, web2);
    await until(
      () => weightsInForce(stage),
      (weights) => weights === `${web1}:${web2}`,
    );
  }
  const { web1 = 0, web2 = 0, ...others } = await load;
  assert.deepEqual(others, {});
  assert.equal(web1 + web2, 800);
  const after = await tally(stage, 400);
  assert.deepEqual(after, { web1: 100, web2: 300 }, stage.serve.output());
  assert.equal(await stage.get('/elsewhere'), '404');
});

test('a faulty file changes nothing and is told everywhere; mended, it counts', async () => {
  stage = await openStage();
  await stage.start();
  const before = readFileSync(join(stage.directory, 'http.yaml'), 'utf8');
  stage.write('http.yaml', before.replace('scheduler: hhttp', 'scheduler: best'));
  const { faults = [] } = await until(
    () => status(stage),
    (document) => document.faults?.length === 1,
  );
  assert.match(faults[0]?.message ?? '', /spec\.scheduler: read "best", expected one of/);
  assert.equal(faults[0]?.line, 6);
  assert.deepEqual(await tally(stage, 40), { web1: 30, web2: 10 });
  const ready = await admin(stage, '/readyz');
  assert.equal(ready.status, 200);
  assert.match(ready.body, /http\.yaml:6/);
  const metrics = parseExposition((await admin(stage, '/metrics')).body);
  const value = (name: string) => metrics.find((sample) => sample.name === name)?.value;
  assert.equal(value('tcpvs_config_faults'), 1);
  assert.equal(value('tcpvs_config_last_apply_success'), 0);
  assert.equal(value('tcpvs_cell_requests_total'), 30);
  assert.match(stage.serve.output(), /http\.yaml:6:\d+: TcpVirtualServer default\/http: spec\.scheduler/);
  rmSync(join(stage.directory, 'http.yaml'));
  stage.write('http.yaml', before.replace('^/shop', '^/(shop|store)'));
  await until(
    () => stage.get('/store/x'),
    (who) => who.startsWith('web'),
  );
  assert.deepEqual((await status(stage)).faults, []);
});

test('what tcpvsadm changes is in force when it returns, and survives a restart; a newer manifest wins', async () => {
  stage = await openStage();
  await stage.start();
  const [web1] = stage.origins;
  const set = ['--add-rule', '-i', 'http', '-p', '^/shop/.*', '-r', `127.0.0.1:${web1?.port}`, '-w', '1'];
  const done = await tcpvsadm(stage, ...set);
  assert.equal(done.code, 0, done.text);
  assert.equal(await weightsInForce(stage), '1:1');
  assert.deepEqual(await tally(stage, 40), { web1: 20, web2: 20 });
  const { revision } = await stage.serve.admin<{ revision: number }>('/v1/objects');
  const refused = await tcpvsadm(stage, '--add-rule', '-i', 'http', '-p', '((', '-r', `127.0.0.1:${web1?.port}`);
  assert.equal(refused.code, 1);
  assert.match(refused.text, /\(\(/);
  await stage.serve.stop();

  await stage.start();
  assert.equal(await weightsInForce(stage), '1:1');
  assert.ok((await stage.serve.admin<{ revision: number }>('/v1/objects')).revision > revision);
  // Another object's manifest changes: tcpvsadm's words stand. The matrix' own: it counts.
  stage.write('http.yaml', virtualServer(stage.port).replace('^/shop', '^/(shop|store)'));
  await until(
    () => stage.get('/store/x'),
    (who) => who.startsWith('web'),
  );
  // A worker may serve by it before all have said that they do.
  const settled = await until(
    () => weightsInForce(stage),
    (weights) => weights !== 'pending',
  );
  assert.equal(settled, '1:1');
  stage.weights(1, 4);
  await until(
    () => weightsInForce(stage),
    (weights) => weights === '1:4',
  );
  assert.deepEqual(await tally(stage, 50), { web1: 10, web2: 40 });
});

test('objects have their status: in force, on target, and why not', async () => {
  stage = await openStage();
  await stage.start();
  await tally(stage, 40);
  const conditions = async (kind: string) =>
    new Map((await status(stage)).objects.find((o) => o.kind === kind)?.status.conditions.map((c) => [c.type, c]));
  assert.equal((await conditions('TcpVirtualServer')).get('Ready')?.status, 'True');
  assert.equal((await conditions('AppWeightMatrix')).get('OnTarget')?.status, 'True');
  assert.equal((await conditions('RealServer')).get('Healthy')?.status, 'True');
  const matrix = (await status(stage)).objects.find((o) => o.kind === 'AppWeightMatrix');
  assert.deepEqual(matrix?.status['shares'], [
    { app: 'shop', server: 'web1', asked: '0.750', delivered: '0.750' },
    { app: 'shop', server: 'web2', asked: '0.250', delivered: '0.250' },
  ]);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  stage.write(
    'http.yaml',
    virtualServer(stage.port)
      .replace('scheduler', `- {name: more, address: 127.0.0.1, port: ${port}, protocol: HTTP}\n  scheduler`)
      .replace('listeners: [{name: web, address', 'listeners:\n  - {name: web, address')
      .replace('protocol: HTTP}]', 'protocol: HTTP}'),
  );
  const programmed = await until(
    async () => (await conditions('TcpVirtualServer')).get('Programmed'),
    (condition) => condition?.status === 'False',
  );
  assert.equal(programmed?.reason, 'PortUnavailable');
  assert.match(programmed?.message ?? '', new RegExp(`more \\(127\\.0\\.0\\.1 port ${port}\\)`));
  assert.deepEqual(await tally(stage, 4), { web1: 3, web2: 1 });
  await new Promise((resolve) => taken.close(resolve));
  await until(
    async () => (await conditions('TcpVirtualServer')).get('Ready')?.status,
    (ready) => ready === 'True',
  );
});

test('a faulty configuration at the first start: not ready, says why, serves as soon as it is mended', async () => {
  stage = await openStage();
  stage.write('http.yaml', 'rubbish: [\n');
  rmSync(join(stage.directory, 'servers.yaml'));
  rmSync(join(stage.directory, 'matrix.yaml'));
  const starting = stage.start();
  const refused = await until(
    () => admin(stage, '/readyz').catch(() => null),
    (answer) => answer !== null,
  );
  assert.equal(refused?.status, 503);
  assert.match(refused?.body ?? '', /no configuration.*\n.*\n.*http\.yaml:/s);
  stage.write('http.yaml', virtualServer(stage.port));
  await starting;
  assert.equal((await admin(stage, '/readyz')).status, 200);
});
