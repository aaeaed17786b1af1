/** Examples 07, 08, 10, 16 and 17: filters, failures, maintenance, servers without room, caps. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startOrigin } from '../../src/cli/demo-origins.ts';
import { startExample } from '../demo/stage.ts';

test('07: rewrite, redirect, headers and mirror', async () => {
  await using stage = await startExample('07-filters', { servers: ['web1', 'web2', 'web3'] });
  const rewritten = await stage.get('/shop/v1/echo');
  assert.match(rewritten.body, /^web1 serves \/v1\/echo\nGET \/v1\/echo HTTP\/1\.1\n/);
  assert.match(rewritten.body, /^Host: shop\.internal$/im);

  const moved = await stage.get('/old/page?a=b');
  assert.equal(moved.status, 301);
  assert.match(String(moved.headers.location), /^http:\/\/127\.0\.0\.1:\d+\/new\/page(\?a=b)?$/);

  const changed = await stage.get('/headers/echo', { headers: { 'X-Secret': '1' } });
  assert.match(changed.body, /^web2 serves[\s\S]*^X-Team: shop$/im);
  assert.doesNotMatch(changed.body, /X-Secret/i);
  assert.equal(changed.headers['cache-control'], 'no-store');
  assert.equal(changed.headers['x-served-by'], undefined);

  for (let count = 0; count < 5; count++) assert.equal((await stage.get('/mirrored/')).server, 'web1');
  const copies = () => stage.origins[2]?.counts.get('mirrored') ?? 0;
  for (let tries = 0; tries < 200 && copies() < 5; tries++) await sleep(10);
  assert.equal(copies(), 5);
});

test('08: a server that dies costs nobody an error, and comes back', async () => {
  await using stage = await startExample('08-health-and-retries', { servers: ['web1', 'web2', 'web3'] });
  const third = stage.origins[2];
  assert.ok(third);
  const seen = new Set<string>();
  const ask = async () => {
    const { status, server } = await stage.get('/');
    assert.equal(status, 200);
    seen.add(server);
  };
  for (let count = 0; count < 6; count++) await ask();
  assert.deepEqual([...seen].toSorted(), ['web1', 'web2', 'web3']);

  await third.close();
  for (let count = 0; count < 50; count++) await ask();
  seen.clear();
  for (let count = 0; count < 10; count++) await ask();
  assert.deepEqual([...seen].toSorted(), ['web1', 'web2']);

  const back = await startOrigin({ name: 'web3', address: third.address, port: third.port });
  for (let tries = 0; tries < 500 && !seen.has('web3'); tries++) {
    await ask();
    await sleep(20);
  }
  await back.close();
  assert.ok(seen.has('web3'));
});

test('08: a 503 is tried at another server', async () => {
  await using stage = await startExample('08-health-and-retries', { servers: ['web1', 'web2', 'web3'] });
  const { status } = await stage.get('/once?status=503');
  // All three say so: the last answer is the client's, and each was asked once.
  assert.equal(status, 503);
  assert.deepEqual(
    stage.origins.map((origin) => origin.counts.get('once')),
    [1, 1, 1],
  );
});

test('10: a quiesced server gets nothing, and the redirect is the last resort', async () => {
  await using stage = await startExample('10-quiesce-and-redirect');
  for (let count = 0; count < 10; count++) assert.equal((await stage.get('/open/')).server, 'web1');
  assert.equal((await stage.get('/closed/')).body, 'web5 serves /closed/\n');

  const file = join(stage.directory, 'real-servers.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('quiesce: true', 'quiesce: false'));
  const seen = new Set<string>();
  for (let tries = 0; tries < 300 && !seen.has('web2'); tries++) {
    seen.add((await stage.get('/open/')).server);
    await sleep(10);
  }
  assert.deepEqual([...seen].toSorted(), ['web1', 'web2']);
});

test('16: requests that no server has room for wait, and those that would have to wait too long do not', async () => {
  // Two workers that look at the same moment may let in one each.
  await using stage = await startExample('16-queue', { servers: ['web1', 'web2'], workers: 1 });
  const statuses = async (requests: number, delay: number) => {
    const answers = Array.from({ length: requests }, () => stage.get(`/?delay=${delay}`));
    return Map.groupBy(
      (await Promise.all(answers)).map(({ status }) => status),
      (status) => status,
    );
  };
  assert.deepEqual([...(await statuses(12, 20)).keys()], [200], 'all are served');
  // four are served for so long that the time of the others is over
  const late = await statuses(12, 3000);
  assert.deepEqual([late.get(200)?.length, late.get(503)?.length], [4, 8]);

  const file = join(stage.directory, 'virtual-server.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/  queue:\n(?: {4}.*\n)+/, ''));
  const refused = async () => (await statuses(12, 100)).get(503)?.length ?? 0;
  let without = 0;
  for (let tries = 0; tries < 100 && without === 0; tries++) without = await refused();
  assert.ok(without > 0, 'without a queue nobody waits');
});

test('17: reports come three at a time, and the shop is not behind them', async () => {
  await using stage = await startExample('17-caps', { servers: ['web1', 'web2'], workers: 1 });
  let done = 0;
  const reports = Array.from({ length: 9 }, () => stage.get('/report?delay=1000').then(() => done++));
  const inFlight = async () => (await stage.row('report')).cells.map((cell) => cell.inFlight);
  for (let tries = 0; tries < 200 && String(await inFlight()) !== '2,1'; tries++) await sleep(10);
  assert.deepEqual(await inFlight(), [2, 1]);
  assert.equal((await stage.get('/shop')).status, 200);
  assert.ok(done < 9);
  await Promise.all(reports);
  const served = stage.origins.map(({ counts }) => counts.get('report'));
  assert.equal(served[0]! + served[1]!, 9);
});
