import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
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

test('an empty file is believed where it was looked at late enough, not where the look took long', async () => {
  const file = join(temporaryDirectory(), 'a.yaml');
  await writeFile(file, 'a 1\n');
  const files = new ConfigFiles(file, parse);
  const objects = async () => (await files.load()).good.get('')?.length;
  assert.equal(await objects(), 1);
  await writeFile(file, '');
  // older than what is read again in any case
  await sleep(150);
  assert.equal(await objects(), 1);
  const second = objects();
  // Its look at the file's stamp is done elsewhere; before this thread hears of that, it is held up.
  hold(50);
  writeFileSync(file, 'a 2\n');
  hold(1100);
  assert.equal(await second, 1);
});

function hold(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
