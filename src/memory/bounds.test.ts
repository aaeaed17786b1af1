import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';

import { memoryReader } from './bounds.ts';

const MIB = 2 ** 20;

/** A tree of files as the kernel shows it; writes more of them later. */
function groups(t: TestContext, files: Readonly<Record<string, string | number>>) {
  const root = mkdtempSync(join(tmpdir(), 'tcpvs-bounds-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (more: typeof files) => {
    for (const [path, text] of Object.entries(more)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    }
  };
  write(files);
  return { root, self: join(root, 'self'), write };
}

test('version 2: what is in use, less what the kernel can take back, of the smaller of max and high', (t) => {
  const { write, ...where } = groups(t, {
    self: '0::/pods/web',
    'pods/web/memory.max': 256 * MIB,
    'pods/web/memory.high': 'max',
    'pods/web/memory.current': 200 * MIB,
    'pods/web/memory.stat': `anon ${150 * MIB}\ninactive_file ${40 * MIB}\nactive_file 1`,
    'pods/memory.max': 'max',
    'pods/memory.current': 900 * MIB,
  });
  assert.deepEqual(memoryReader({ given: null, ...where })(), { used: 160 * MIB, limit: 256 * MIB });
  write({ 'pods/web/memory.high': 128 * MIB });
  assert.deepEqual(memoryReader({ given: null, ...where })(), { used: 160 * MIB, limit: 128 * MIB });
});

test('version 1, and a group that this one is in is nearer to its limit', (t) => {
  const { write, ...where } = groups(t, {
    self: '5:devices:/x\n4:cpu,memory:/a/b\n0::/',
    'memory/a/b/memory.limit_in_bytes': 9223372036854771712n.toString(),
    'memory/a/b/memory.usage_in_bytes': 50 * MIB,
    'memory/a/memory.limit_in_bytes': 100 * MIB,
    'memory/a/memory.usage_in_bytes': 90 * MIB,
    'memory/a/memory.stat': `inactive_file 7\ntotal_inactive_file ${10 * MIB}`,
  });
  assert.deepEqual(memoryReader({ given: null, ...where })(), { used: 80 * MIB, limit: 100 * MIB });
  write({ 'memory/a/memory.usage_in_bytes': 40 * MIB });
  assert.deepEqual(memoryReader({ given: null, ...where })(), { used: 40 * MIB, limit: 100 * MIB }, 'far from it');
});

test('a container that sees its own group at the root', (t) => {
  const { root, self } = groups(t, {
    self: '0::/kubepods/pod1/c1',
    'memory.max': 64 * MIB,
    'memory.current': 16 * MIB,
  });
  assert.deepEqual(memoryReader({ given: null, root, self })(), { used: 16 * MIB, limit: 64 * MIB });
});

test('what was given is for this process alone; the nearer of both counts', (t) => {
  const { root, self } = groups(t, { self: '0::/', 'memory.max': 64 * MIB, 'memory.current': 16 * MIB });
  const rss = () => 30 * MIB;
  assert.deepEqual(memoryReader({ given: 100 * MIB, rss, root, self })(), { used: 30 * MIB, limit: 100 * MIB });
  assert.deepEqual(memoryReader({ given: 1000 * MIB, rss, root, self })(), { used: 16 * MIB, limit: 64 * MIB });
});

test('a limit that is changed is found out', (t) => {
  const { write, ...where } = groups(t, { self: '0::/', 'memory.max': 64 * MIB, 'memory.current': MIB });
  const read = memoryReader({ given: null, ...where });
  assert.equal(read()?.limit, 64 * MIB);
  write({ 'memory.max': 'max' });
  const seen = Array.from({ length: 60 }, () => read()?.limit ?? null);
  assert.deepEqual([seen[0], seen.at(-1)], [64 * MIB, null]);
});

test('no limit anywhere', (t) => {
  const { root, self } = groups(t, { self: 'nonsense\n3:cpu:/\n0::/', 'memory.current': 1 });
  assert.equal(memoryReader({ given: null, root, self })(), null);
  assert.equal(memoryReader({ given: null, root, self: '/no/such/file' })(), null);
});
