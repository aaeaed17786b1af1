import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { localListeners } from '../proxy/supervisor/local-listeners.ts';
import { temporaryDirectory } from '../standalone/fixture/temporary-directory.ts';
import { createLogger } from '../telemetry/log.ts';
import { lockState } from './state-lock.ts';

const silent = createLogger({ level: 'silent' });

test('a state directory has one server', async () => {
  const dir = temporaryDirectory();
  await lockState(dir, localListeners(), silent);
  await assert.rejects(lockState(dir, localListeners(), silent), {
    message: `state directory ${dir}: another tcpvs server has it; end that, or take another directory`,
  });
  await lockState(temporaryDirectory(), localListeners(), silent);
});

test('where no socket can be made, the server starts all the same', async () => {
  const dir = temporaryDirectory();
  const long = join(dir, 'x'.repeat(100));
  await mkdir(long);
  await lockState(long, localListeners(), silent);
  assert.ok(!existsSync(join(long, 'lock')));
  await writeFile(join(dir, 'lock'), 'not ours');
  await lockState(dir, localListeners(), silent);
});
