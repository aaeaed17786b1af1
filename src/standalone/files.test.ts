import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ConfigFiles } from './files.ts';
import { parse } from './fixture/source.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';

test('a file that is found empty, was filled and emptied again since, has its time anew', async () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'a.yaml');
  await writeFile(file, 'a 1\n');
  const files = new ConfigFiles(directory, parse);
  const names = async () => {
    const { good, settlesIn } = await files.load();
    return { objects: good.get('a.yaml')?.length, settles: settlesIn !== null };
  };
  assert.deepEqual(await names(), { objects: 1, settles: false });
  await writeFile(file, '');
  assert.deepEqual(await names(), { objects: 1, settles: true });
  // longer than an empty file must be empty to be believed
  await sleep(1100);
  await writeFile(file, 'a 2\n');
  await writeFile(file, '');
  assert.deepEqual(await names(), { objects: 1, settles: true });
  await sleep(1100);
  assert.deepEqual(await names(), { objects: 0, settles: false });
});
