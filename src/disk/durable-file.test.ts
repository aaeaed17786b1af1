import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryDirectory } from '../standalone/fixture/temporary-directory.ts';
import { readBounded, removeLeftovers, writeDurably } from './durable-file.ts';

const MODULE = new URL('./durable-file.ts', import.meta.url).href;
/** Writes documents of 2 MB one after the other, and says so after each. */
const WRITER = `
  const { writeDurably } = await import(${JSON.stringify(MODULE)});
  for (let i = 0; ; i++) {
    await writeDurably(process.argv[1], JSON.stringify({ i, pad: String(i % 10).repeat(2 << 20) }));
    process.stdout.write('.');
  }`;

test('a writer that is killed at any moment leaves a whole document, and its leftovers can be removed', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'state.json');
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // Killed in the midst of the writes that follow the second one, each round a little later.
    let written = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (dots: Buffer) => {
        written += dots.length;
        if (written >= 2) resolve();
      });
    });
    for (let turn = 0; turn < round * 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await gone;
    const document = JSON.parse(await readFile(path, 'utf8')) as { i: number; pad: string };
    assert.equal(document.pad, String(document.i % 10).repeat(2 << 20));
  }
  await removeLeftovers(path);
  assert.deepEqual(await readdir(directory), ['state.json']);
});

test('the file is for its owner alone, and a write that fails leaves nothing behind', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'a');
  await writeDurably(path, 'one');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await assert.rejects(writeDurably(join(directory, 'nowhere', 'a'), 'x'));
  await assert.rejects(writeDurably(directory, 'x'), /EISDIR|ENOTEMPTY|EEXIST|directory/);
  assert.deepEqual(await readdir(directory), ['a']);
  assert.equal(await readBounded(path, 3), 'one');
  await assert.rejects(readBounded(path, 2), /3 bytes, more than the 2/);
  assert.equal(await readBounded(join(directory, 'b'), 1), null);
});

test('what a writer that lives has begun is left alone', async () => {
  const directory = temporaryDirectory();
  await writeFile(join(directory, `a.${process.ppid}.x.tmp`), '');
  await writeFile(join(directory, `a.999999999.x.tmp`), '');
  await writeFile(join(directory, `b.999999999.x.tmp`), '');
  await removeLeftovers(join(directory, 'a'));
  assert.deepEqual((await readdir(directory)).toSorted(), [`a.${process.ppid}.x.tmp`, 'b.999999999.x.tmp']);
});
