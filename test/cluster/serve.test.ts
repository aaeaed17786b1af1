/** `make cluster`, as a person has it: it comes up, the matrix is at work, Ctrl-C removes all of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';

import { freePort } from '../../src/cli/demo-ports.ts';
import { skipReason } from './binaries.ts';
import { run } from './run.ts';
import { get } from './stage.ts';

test('a cluster for a person', { skip: skipReason(), timeout: 400_000 }, async (t) => {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), '--port', String(port)]);
  const exited = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const isUp = new Promise<void>((resolve) => {
    child.stdout.on('data', () => {
      if (said.includes('Ctrl-C ends')) resolve();
    });
  });
  await Promise.race([isUp, exited]);
  const [, config = '', path = ''] = /export KUBECONFIG=(\S+) PATH=(\S+):\$PATH/.exec(said) ?? [];
  assert.ok(existsSync(config), said);

  const agent = new Agent({ keepAlive: true });
  const served = new Map<string, number>();
  for (let count = 0; count < 200; count++) {
    const { status, node } = await get(agent, `http://127.0.0.1:${port}/appc/`);
    assert.equal(status, 200);
    served.set(node, (served.get(node) ?? 0) + 1);
  }
  agent.destroy();
  // 87 and 13 of 100, and within one for each of the two proxies.
  assert.ok(Math.abs((served.get('web2') ?? 0) - 174) < 2, JSON.stringify([...served]));

  const environment = { KUBECONFIG: config, PATH: `${path}:${process.env['PATH']}` };
  const listing = await run(['kubectl', 'tcpvs', '-n', 'eapac', '-L'], { environment });
  assert.match(listing.stdout, /\/appc\/.*87\.0 > /, listing.stderr);

  child.kill('SIGINT');
  assert.deepEqual(await exited, [0, null], said);
  assert.equal(existsSync(config), false);
});
