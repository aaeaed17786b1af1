/** Runs cases of this folder once more, in another setting. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Fails with the names of the cases that do; so many must have passed that none can have been left out. */
export async function rerun(files: readonly string[], setting: NodeJS.ProcessEnv): Promise<void> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [
      '--test',
      '--test-force-exit',
      '--test-reporter=tap',
      '--test-reporter-destination=stdout',
      ...files.map((name) => join(import.meta.dirname, `${name}.test.ts`)),
    ],
    { env: { ...env, ...setting }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let output = '';
  child.stdout.on('data', (bytes) => (output += String(bytes)));
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  const failed = output.split('\n').filter((line) => /^\s*not ok /.test(line));
  assert.equal(code, 0, failed.join('\n'));
  assert.match(output, /^# pass [1-9][0-9]{2}/m);
}
