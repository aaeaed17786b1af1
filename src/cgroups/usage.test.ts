import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryDirectory } from '../standalone/fixture/temporary-directory.ts';
import { readUsage } from './usage.ts';

function group(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
  return directory;
}

test('version 2: cpu.stat and io.stat, over all devices', async () => {
  const usage = await readUsage(
    group({
      'cpu.stat': 'usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n',
      'io.stat': '8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=7 dios=1\n259:0 rbytes=3 wbytes=0 rios=1 wios=0\n',
    }),
  );
  assert.deepEqual(usage, { cpu: 1.5, io: 123 });
});

test('version 1: cpuacct and blkio, each in a hierarchy of its own', async () => {
  const stat = 'nr_periods 0\nnr_throttled 0\n';
  assert.deepEqual(await readUsage(group({ 'cpu.stat': stat, 'cpuacct.usage': '2500000000\n' })), { cpu: 2.5 });
  const blkio = '8:0 Read 1\n8:0 Write 2\nTotal 3\n';
  assert.deepEqual(await readUsage(group({ 'blkio.throttle.io_service_bytes_recursive': blkio })), { io: 3 });
});

test('a group that is not there, or says nothing, has no usage', async () => {
  assert.equal(await readUsage(join(temporaryDirectory(), 'none')), null);
  assert.equal(await readUsage(group({ 'cpu.stat': 'nonsense' })), null);
});

/** Where a group can be made: version 2 at the top or beside version 1, or version 1's accounting. */
const place = ['/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup'].find((path) => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
});

test(
  'a real group: what a process in it has used',
  { skip: place === undefined && 'no control group can be made here' },
  async () => {
    const directory = join(place!, `tcpvs-test-${process.pid}`);
    mkdirSync(directory);
    const burn = 'const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);';
    const script = `process.stdin.once("data", () => { ${burn} console.log("done"); })`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      writeFileSync(join(directory, 'cgroup.procs'), String(child.pid));
      const before = await readUsage(directory);
      child.stdin.write('go');
      await once(child.stdout, 'data');
      const after = await readUsage(directory);
      assert.ok(after!.cpu! - before!.cpu! >= 0.19, `${JSON.stringify(before)} … ${JSON.stringify(after)}`);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmdirSync(directory);
    }
  },
);
