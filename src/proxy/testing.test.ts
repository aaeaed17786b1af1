import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('a proxy that does not come about leaves nothing that keeps its process', async (t) => {
  const script = fileURLToPath(new URL('./main/fixture/unstarted.ts', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0);
  assert.match(said, /^no worker came up\n127\.0\.0\.1:[0-9]+: .*EADDRINUSE/);
});
