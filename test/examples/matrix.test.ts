/** Examples 01, 02 and 09: shares by weight, exact. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { startExample, type Stage } from '../demo/stage.ts';

/** Answers by server: `{web2: 87, web3: 13}`. */
async function served(stage: Stage, path: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let sent = 0; sent < count; sent++) {
    const { server, status } = await stage.get(path);
    assert.equal(status, 200);
    counts[server] = (counts[server] ?? 0) + 1;
  }
  return counts;
}

test('01: a hundred requests are 87 and 13, and 50 and 50 after an edit', async () => {
  await using stage = await startExample('01-eapac-demo');
  assert.deepEqual(await served(stage, '/appc/', 100), { web2: 87, web3: 13 });
  assert.deepEqual(await served(stage, '/appe/x', 100), { web4: 31, web5: 69 });
  assert.deepEqual(await served(stage, '/tpcw/', 3), { web2: 3 });
  assert.equal((await stage.get('/nobody/')).status, 404);

  const file = join(stage.directory, 'matrix.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text
      .replace('{ app: appc, weight: 87 }', '{ app: appc, weight: 50 }')
      .replace('{ app: appc, weight: 13 }', '{ app: appc, weight: 50 }'),
  );
  await stage.row('appc', ({ cells }) => cells.every((cell) => cell.weight === 50));
  assert.deepEqual(await served(stage, '/appc/', 100), { web2: 50, web3: 50 });
});

test('02: a configuration file of KTCPVS, its catch-all last', async () => {
  await using stage = await startExample('02-ktcpvs-file', { file: 'web.conf', servers: ['web1', 'web2', 'web3'] });
  assert.equal((await stage.get('/images/logo')).body, 'web1 serves /images/logo\n');
  assert.equal((await stage.get('/html/index')).body, 'web2 serves /html/index\n');
  assert.equal((await stage.get('/other')).body, 'web3 serves /other\n');
});

test('02: a configuration file of ktcpvs-matrix, with weights', async () => {
  await using stage = await startExample('02-ktcpvs-file', { file: 'matrix.conf' });
  assert.deepEqual(await served(stage, '/appc/', 100), { web2: 87, web3: 13 });
  assert.deepEqual(await served(stage, '/appe/', 100), { web4: 31, web5: 69 });
});

test('09: exactly five percent, never two in a row, and testers always', async () => {
  await using stage = await startExample('09-canary', { servers: ['web1', 'web2'] });
  const servers: string[] = [];
  for (let sent = 0; sent < 100; sent++) servers.push((await stage.get('/')).server);
  assert.equal(servers.filter((server) => server === 'web2').length, 5);
  assert.ok(!servers.join().includes('web2,web2'));
  for (let sent = 0; sent < 3; sent++) {
    assert.equal((await stage.get('/', { headers: { 'X-Canary': '1' } })).server, 'web2');
  }
});
