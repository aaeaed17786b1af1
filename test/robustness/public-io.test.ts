/** The cases about connections, endings and bodies once more, with Node's public socket API instead of its handles. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const FILES = ['e-connection', 'e-upgrade', 'f-expect', 'g-framing', 'bodies'];

test('the data path over the public socket API', { timeout: 90_000 }, async () => {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [
      '--test',
      '--test-force-exit',
      '--test-reporter=tap',
      '--test-reporter-destination=stdout',
      ...FILES.map((name) => join(import.meta.dirname, `${name}.test.ts`)),
    ],
    { env: { ...env, TCPVS_IO: 'public' }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let output = '';
  child.stdout.on('data', (bytes) => (output += String(bytes)));
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  const failed = output.split('\n').filter((line) => /^\s*not ok /.test(line));
  assert.equal(code, 0, failed.join('\n'));
  assert.match(output, /^# pass [1-9][0-9]{2}/m);
});
