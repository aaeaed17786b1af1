import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { startDaemon } from './daemon.ts';
import { ownedDirectory } from './owned-directory.ts';

test('what a killed owner left is swept away by the next one; a live owner keeps its own', async () => {
  const mine = ownedDirectory();
  const script = join(mine, 'owner.ts');
  const module = join(import.meta.dirname, 'owned-directory.ts');
  writeFileSync(
    script,
    `import { ownedDirectory } from ${JSON.stringify(module)};
     process.stdout.write(ownedDirectory());
     process.stdin.resume().on('end', () => process.exit());`,
  );
  const first = spawn(process.execPath, [script]);
  const [left] = (await once(first.stdout.setEncoding('utf8'), 'data')) as [string];
  mkdirSync(join(left, 'logs'));
  first.kill('SIGKILL');
  await once(first, 'exit');
  assert.ok(existsSync(left));

  const second = spawn(process.execPath, [script]);
  const [other] = (await once(second.stdout.setEncoding('utf8'), 'data')) as [string];
  assert.deepEqual([left, other, mine].map(existsSync), [false, true, true]);
  second.stdin.end();
  await once(second, 'exit');
  assert.deepEqual([other, mine].map(existsSync), [false, true]);
});

test('a daemon ends with its parent, however that ends', { skip: process.platform !== 'linux' }, async () => {
  const directory = ownedDirectory();
  const script = join(directory, 'parent.ts');
  const module = join(import.meta.dirname, 'daemon.ts');
  writeFileSync(
    script,
    `import { startDaemon } from ${JSON.stringify(module)};
     const { child } = startDaemon('sleep', ['cat', ${JSON.stringify(join(directory, 'pipe'))}], { log: ${JSON.stringify(join(directory, 'log'))} });
     child.once('spawn', () => process.stdout.write('x'));
     process.stdin.resume();`,
  );
  // It is there for as long as somebody has the pipe open for reading: its end shows on the other side.
  const made = startDaemon('mkfifo', ['mkfifo', join(directory, 'pipe')], { log: join(directory, 'log') });
  await made.exited;
  const parent = spawn(process.execPath, [script]);
  await once(parent.stdout, 'data');
  const writer = spawn('sh', ['-c', `exec >'${join(directory, 'pipe')}'; echo open >&2; while echo x; do :; done`]);
  await once(writer.stderr, 'data');
  parent.kill('SIGKILL');
  // Its reader is gone: SIGPIPE ends it, or a failed echo does.
  await once(writer, 'exit');
});
