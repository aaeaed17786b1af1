import assert from 'node:assert/strict';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { temporaryDirectory } from '../standalone/fixture/temporary-directory.ts';
import { makeDirectory } from './make-directory.ts';

test('directories are made with all that lead to them, and may be there already', async () => {
  const path = join(temporaryDirectory(), 'a', 'b', 'c');
  await makeDirectory(path, 0o700);
  await makeDirectory(path, 0o700);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test('what is in the way is told, and nothing waits forever', async () => {
  const dir = temporaryDirectory();
  await writeFile(join(dir, 'file'), '');
  await symlink('nowhere', join(dir, 'link'));
  await symlink('loop', join(dir, 'loop'));
  for (const path of ['file', 'file/x', 'file/x/y']) {
    await assert.rejects(makeDirectory(join(dir, path), 0o700), /^Error: it, or a part of its path, is a file/, path);
  }
  for (const path of ['link', 'link/x', 'loop']) {
    await assert.rejects(makeDirectory(join(dir, path), 0o700), /is a link that leads nowhere$/, path);
  }
  await mkdir(join(dir, 'real'));
  await symlink('real', join(dir, 'good'));
  await makeDirectory(join(dir, 'good', 'x'), 0o700);
  assert.ok((await stat(join(dir, 'real', 'x'))).isDirectory());
});

test('in /proc no directory can be made', { skip: process.platform !== 'linux' }, async () => {
  await assert.rejects(makeDirectory('/proc/tcpvs-test/x', 0o700), /no directory can be made there|permission denied/);
});
