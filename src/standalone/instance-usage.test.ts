import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { MatrixGiven } from '../learning/profile-book.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';
import { InstanceUsage } from './instance-usage.ts';

const given = (matrix: string, workload: string, servers: readonly string[]): MatrixGiven => ({
  matrix,
  interval: 60,
  apps: [],
  workloads: [{ workload, apps: [workload], servers }],
});

test('what was used between two readings, of the groups that are there', async () => {
  const directory = temporaryDirectory();
  let now = 1000;
  const used = (group: string, microseconds: number) => {
    mkdirSync(join(directory, group), { recursive: true });
    writeFileSync(join(directory, group, 'cpu.stat'), `usage_usec ${microseconds}\n`);
  };
  const usage = new InstanceUsage(directory, () => now);
  const matrices = [
    given('default/m', 'shop', ['default/web1', 'default/web2', 'default/web3']),
    given('stage/m', 'shop', ['stage/web1']),
  ];
  used('web1/shop', 1e6);
  used('stage.web1/shop', 5e6);
  assert.deepEqual(await usage.read(matrices), new Map(), 'it begins');
  now += 5000;
  used('web1/shop', 1.25e6);
  used('web2/shop', 7e6);
  used('stage.web1/shop', 1e6);
  const shop = { server: 'default/web1', workload: 'shop', seconds: 5, amounts: { cpu: 0.25 } };
  assert.deepEqual(await usage.read(matrices), new Map([['default/m', [shop]]]), 'what fell was made anew');
  now += 4000;
  rmSync(join(directory, 'web1'), { recursive: true });
  const uses = await usage.read(matrices);
  assert.deepEqual(
    [...uses].map(([matrix, all]) => [matrix, all.map(({ server, seconds }) => [server, seconds])]),
    [
      ['default/m', [['default/web2', 4]]],
      ['stage/m', [['stage/web1', 4]]],
    ],
  );
});
