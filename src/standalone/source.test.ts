import assert from 'node:assert/strict';
import { mkdir, rename, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { content, is, openSource } from './fixture/source.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';

test('an empty directory is a valid, empty configuration; what is put there later counts', async () => {
  const dir = temporaryDirectory();
  const { source, until } = await openSource(dir);
  assert.equal(source.state.known, true);
  assert.equal(content(source.state), '');
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  await until(is('a=1'));
  await mkdir(join(dir, 'overlay'));
  await writeFile(join(dir, 'overlay', 'a.yaml'), 'a 7\n');
  await writeFile(join(dir, 'b.yaml'), 'b 1\n');
  await until(is('a=1 b=1'));
  await writeFile(join(dir, 'b.yaml'), 'b 2\n');
  await until(is('a=1 b=2'));
  await writeFile(join(dir, 'notes.txt'), 'nothing of ours\n');
  await unlink(join(dir, 'a.yaml'));
  await until(is('b=2'));
});

test('generation grows with the spec alone; uid and creationTimestamp stay', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\n');
  const { source, until } = await openSource(dir);
  const before = source.state.objects.get('RealServer x/a')?.metadata;
  assert.equal(before?.generation, 1);
  await writeFile(join(dir, 'a.yaml'), '\na 2\nb 1\n');
  const state = await until(is('a=2 b=1'));
  const after = state.objects.get('RealServer x/a')?.metadata;
  assert.equal(after?.generation, 2);
  assert.equal(after?.['uid'], before?.['uid']);
  assert.equal(after?.['creationTimestamp'], before?.['creationTimestamp']);
  assert.equal(state.objects.get('RealServer x/b')?.metadata.generation, 1);
});

test('a file replaced by an atomic rename is read', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'a.yaml');
  await writeFile(file, 'a 1\n');
  const { until } = await openSource(dir);
  await writeFile(join(dir, '.a.yaml.swp'), 'a 2\n');
  await rename(join(dir, '.a.yaml.swp'), file);
  await until(is('a=2'));
});

test('a single file as configuration is watched too, through renames', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'tcpvs.conf');
  await writeFile(file, 'a 1\n');
  const { until } = await openSource(file);
  for (const weight of [2, 3]) {
    await writeFile(`${file}.new`, `a ${weight}\n`);
    await rename(`${file}.new`, file);
    await until(is(`a=${weight}`));
  }
});

test('links are followed when they are pointed elsewhere: a Kubernetes volume, and a linked directory', async () => {
  const root = temporaryDirectory();
  const volume = join(root, 'volume');
  for (const [version, weight] of [
    ['..v1', 1],
    ['..v2', 2],
  ] as const) {
    await mkdir(join(volume, version), { recursive: true });
    await writeFile(join(volume, version, 'a.yaml'), `a ${weight}\n`);
  }
  await symlink('..v1', join(volume, '..data'));
  await symlink('..data/a.yaml', join(volume, 'a.yaml'));
  const mounted = await openSource(volume);
  assert.equal(content(mounted.source.state), 'a=1');
  await symlink('..v2', join(volume, '..tmp'));
  await rename(join(volume, '..tmp'), join(volume, '..data'));
  await mounted.until(is('a=2'));

  await symlink('volume/..v1', join(root, 'current'));
  const linked = await openSource(join(root, 'current'));
  await symlink('volume/..v2', join(root, 'next'));
  await rename(join(root, 'next'), join(root, 'current'));
  await linked.until(is('a=2'));
  await writeFile(join(volume, '..v2', 'a.yaml'), 'a 3\n');
  await linked.until(is('a=3'));
});

test('what no event tells is found by the rescan', async () => {
  const dir = temporaryDirectory();
  await mkdir(join(dir, 'elsewhere'));
  await mkdir(join(dir, 'config'));
  await writeFile(join(dir, 'elsewhere', 'x'), 'a 1\n');
  await symlink('../elsewhere/x', join(dir, 'config', 'a.yaml'));
  const { until } = await openSource(join(dir, 'config'), undefined, 50);
  await writeFile(join(dir, 'elsewhere', 'x'), 'a 2\n');
  await until(is('a=2'));
});

test('a faulty file changes nothing, is reported once with its place, and may be mended', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  await writeFile(join(dir, 'b.yaml'), 'b 1\n');
  const { source, until, lines } = await openSource(dir);
  await writeFile(join(dir, 'a.yaml'), 'a 7\nrubbish\n');
  const faulty = await until((state) => state.faults.length === 1);
  assert.equal(content(faulty), 'a=1 b=1');
  assert.equal(faulty.faults[0]?.file, join(dir, 'a.yaml'));
  await writeFile(join(dir, 'b.yaml'), 'b 2\n');
  await until(is('a=1 b=2'));
  await source.reload();
  const reports = lines.filter((line) => line.includes('rubbish'));
  assert.equal(reports.length, 1);
  assert.match(reports[0] ?? '', /a\.yaml:2:1: read/);
  await writeFile(join(dir, 'a.yaml'), 'a 8\n');
  assert.equal((await until(is('a=8 b=2'))).faults.length, 0);
});

test('a link that leads nowhere, or in a circle, is a fault, and what it led to stays', async () => {
  const dir = temporaryDirectory();
  await mkdir(join(dir, 'config'));
  await writeFile(join(dir, 'x'), 'a 1\n');
  await symlink('../x', join(dir, 'config', 'a.yaml'));
  await symlink('loop.yaml', join(dir, 'config', 'loop.yaml'));
  const { source, until } = await openSource(join(dir, 'config'));
  assert.match(source.state.faults[0]?.message ?? '', /a link that leads to itself/);
  await unlink(join(dir, 'x'));
  await source.reload();
  const broken = await until((state) => state.faults.length === 2);
  assert.equal(content(broken), 'a=1');
  assert.match(broken.faults[0]?.message ?? '', /a link that leads nowhere/);
  await unlink(join(dir, 'config', 'a.yaml'));
  await until(is(''));
});

test('a file that cannot be read, and a directory that disappears, change nothing', async () => {
  const dir = temporaryDirectory();
  const config = join(dir, 'config');
  await mkdir(config);
  await writeFile(join(config, 'a.yaml'), 'a 1\n');
  const { until } = await openSource(config);
  await writeFile(join(config, 'a.yaml'), Buffer.from([0xff, 0xfe]));
  const binary = await until((state) => state.faults.length === 1);
  assert.match(binary.faults[0]?.message ?? '', /UTF-8/);
  assert.equal(content(binary), 'a=1');
  await rename(config, join(dir, 'away'));
  const gone = await until((state) => /no such file/.test(state.faults[0]?.message ?? ''));
  assert.equal(content(gone), 'a=1');
  await mkdir(config);
  await writeFile(join(config, 'a.yaml'), 'a 2\n');
  await until(is('a=2'));
});

test('a directory of too many bytes is not read, and what was read before stays', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\n');
  const { until } = await openSource(dir);
  // Sparse: each small enough by itself.
  for (let each = 0; each < 9; each++) {
    await writeFile(join(dir, `hidden${each}`), '');
    await truncate(join(dir, `hidden${each}`), 30 << 20);
  }
  for (let each = 0; each < 9; each++) await rename(join(dir, `hidden${each}`), join(dir, `large${each}.yaml`));
  const state = await until((s) => /bytes together/.test(s.faults[0]?.message ?? ''));
  assert.equal(
    state.faults[0]?.message,
    'read 10 manifests of 283115524 bytes together, expected at most 268435456 bytes',
  );
  assert.equal(content(state), 'a=1');
  for (let each = 0; each < 9; each++) await unlink(join(dir, `large${each}.yaml`));
  await writeFile(join(dir, 'a.yaml'), 'a 2\n');
  await until(is('a=2'));
});

test('an object that stands twice is a fault, and stays as the file that had it says', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'b.yaml'), 'x 1\n');
  const { until } = await openSource(dir);
  await writeFile(join(dir, 'a.yaml'), 'x 2\n');
  const state = await until((s) => s.faults.length === 1);
  assert.equal(content(state), 'x=1');
  assert.equal(state.faults[0]?.file, join(dir, 'a.yaml'));
  assert.match(state.faults[0]?.message ?? '', /second time.*b\.yaml:1/);
});

test('a file that is being replaced is empty for a moment: no state lacks its objects', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'a.yaml');
  await writeFile(file, 'a 1\nb 1\n');
  const { until } = await openSource(dir);
  const seen: string[] = [];
  const done = until((state) => {
    seen.push(content(state));
    return is('a=2 b=1')(state);
  });
  await writeFile(file, '');
  await writeFile(file, 'a 2\nb 1\n');
  await done;
  assert.deepEqual(new Set(seen), new Set(['a=1 b=1', 'a=2 b=1']));
});

test('a writer that is held up between emptying a file and filling it takes nothing away; a file that stays empty does', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'a.yaml');
  await writeFile(file, 'a 1\nb 1\n');
  const { source, until } = await openSource(dir);
  const seen: string[] = [];
  const done = until((state) => {
    seen.push(content(state));
    return is('a=2 b=1')(state);
  });
  await writeFile(file, '');
  await sleep(300);
  assert.equal(content(source.state), 'a=1 b=1');
  await writeFile(file, 'a 2\nb 1\n');
  await done;
  assert.deepEqual(new Set(seen), new Set(['a=1 b=1', 'a=2 b=1']));
  await writeFile(file, '\n');
  await until(is(''));
});

test('while an emptied file may still be filled, others count at once', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'a.yaml'), 'a 1\nb 1\n');
  await writeFile(join(dir, 'c.yaml'), 'c 1\n');
  const { until } = await openSource(dir);
  await writeFile(join(dir, 'a.yaml'), '');
  await writeFile(join(dir, 'd.yaml'), 'd 1\n');
  await unlink(join(dir, 'c.yaml'));
  await until(is('a=1 b=1 d=1'));
  await until(is('d=1'));
});
