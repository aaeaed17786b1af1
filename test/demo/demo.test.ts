/** `tcpvs demo` as a person starts it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { portOwner } from '../../src/cli/demo-ports.ts';
import { ROOT } from '../../src/cli/demo-serve.ts';

/** Ports away from the demo's own, so that one may run beside the tests. */
const PORTS = ['--port', '18431', '--server-port', '18432'];

interface Run {
  readonly status: number | null;
  readonly output: string;
  readonly complaints: string;
}

function demo(
  temporary: string,
  args: readonly string[],
  onOutput: (output: string, interrupt: () => void) => void = () => {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, 'bin/tcpvs'), ['demo', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary },
    });
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput(output, () => child.kill('SIGINT'));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output, complaints }));
  });
}

/** A folder for temporary files that nobody else has, so that what is left in it was left by the demo. */
function temporaryFolder(): { path: string; leftovers: () => string[]; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'tcpvs-test-'));
  return {
    path,
    leftovers: () => readdirSync(path).filter((name) => name.startsWith('tcpvs-demo-')),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

test('--once: exits 0 with every share exact, by both counts, and leaves nothing behind', async () => {
  using temporary = temporaryFolder();
  const run = await demo(temporary.path, ['--once', '--json', '--seconds', '2', '--rate', '100', ...PORTS]);
  assert.equal(run.status, 0, run.output + run.complaints);
  const result = JSON.parse(run.output) as {
    exact: boolean;
    errors: number;
    shares: { app: string; requests: number }[];
  };
  assert.deepEqual([result.exact, result.errors], [true, 0]);
  assert.deepEqual(
    result.shares.map(({ app, requests }) => [app, requests]),
    ['appa', 'appb', 'tpcw', 'appc', 'appd', 'appe'].map((app) => [app, 400]),
  );
  assert.deepEqual(temporary.leftovers(), []);
});

test('Ctrl-C ends all of it', async () => {
  using temporary = temporaryFolder();
  let interrupted = false;
  const run = await demo(temporary.path, ['--seconds', '60', ...PORTS], (output, interrupt) => {
    if (interrupted || !output.includes('requests answered')) return;
    interrupted = true;
    interrupt();
  });
  assert.equal(run.status, 0, run.output + run.complaints);
  assert.match(run.output, /export TCPVS_SOCKET=\S+\n {2}bin\/tcpvsadm -L\n/);
  assert.match(run.output, /[1-9][0-9,]* requests answered, 0 errors · appa web1 100\.00/);
  assert.match(run.output, /ended\.\n$/);
  assert.deepEqual(temporary.leftovers(), []);
  assert.deepEqual([portOwner(18_431), portOwner(18_432)], [null, null]);
});
