/** What is written into the files of control groups; that the kernel obeys is seen in stage.test.ts, for the version that is there. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryDirectory } from '../../../src/standalone/fixture/temporary-directory.ts';
import { limiterOf, quotaOf } from './control-groups.ts';

const LIMITS = { cpu: 0.04, memory: 48 * 2 ** 20, io: 524_288 };

/** Directories of a group, with what stands in their files before; and how to read them. */
function group(files: Readonly<Record<string, string>>): { places: string[]; read: (file: string) => string } {
  const root = temporaryDirectory();
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const places = ['cpu', 'memory', 'blkio'].map((name) => join(root, name));
  return { places, read: (file) => readFileSync(join(root, file), 'utf8').trim() };
}

test('version 2: limits, and none', () => {
  const { places, read } = group({ 'cpu/cpu.max': '', 'cpu/memory.current': '123456' });
  const limiter = limiterOf(2, places, '8:0');
  limiter.limit(LIMITS);
  assert.equal(read('cpu/cpu.max'), '1200 30000');
  assert.equal(read('cpu/memory.max'), '50331648');
  assert.equal(read('cpu/io.max'), '8:0 rbps=524288');
  limiter.empty();
  assert.equal(read('cpu/cpu.max'), 'max');
  assert.equal(read('cpu/memory.max'), 'max');
  assert.equal(read('cpu/io.max'), '8:0 rbps=max');
  assert.equal(read('cpu/memory.reclaim'), '123456');
});

test('version 1: limits, and none', () => {
  const { places, read } = group({ 'cpu/x': '', 'memory/x': '', 'blkio/x': '' });
  const limiter = limiterOf(1, places, '254:0');
  limiter.limit(LIMITS);
  assert.equal(read('cpu/cpu.cfs_quota_us'), '1200');
  assert.equal(read('cpu/cpu.cfs_period_us'), '30000');
  assert.equal(read('memory/memory.limit_in_bytes'), '50331648');
  assert.equal(read('blkio/blkio.throttle.read_bps_device'), '254:0 524288');
  limiter.empty();
  assert.equal(read('cpu/cpu.cfs_quota_us'), '-1');
  assert.equal(read('memory/memory.limit_in_bytes'), '-1');
  assert.equal(read('blkio/blkio.throttle.read_bps_device'), '254:0 0');
  assert.equal(read('memory/memory.force_empty'), '0');
});

test('a file that cannot be written is named', () => {
  const limiter = limiterOf(2, ['/nowhere'], '8:0');
  assert.throws(() => limiter.limit(LIMITS), /\/nowhere\/memory\.max: writing 50331648 failed: ENOENT/);
});

test('a quota is never shorter than the kernel takes, and keeps its part', () => {
  for (const cores of [0.023, 0.04, 0.1, 0.5, 1]) {
    const { period, micros } = quotaOf(cores);
    assert.equal(micros >= 1000, true);
    assert.equal(period >= 10_000, true);
    assert.equal(Math.abs(micros / period / cores - 1) < 0.001, true);
  }
});
