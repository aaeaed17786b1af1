/** `tcpvs demo` as a person starts it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
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
  args: readonly string[],
  onOutput: (output: string, interrupt: () => void) => void = () => {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, 'bin/tcpvs'), ['demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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

const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('tcpvs-demo-')).length;

test('--once: exits 0 with every share exact, by both counts, and leaves nothing behind', async () => {
  const before = leftovers();
  const run = await demo(['--once', '--json', '--seconds', '2', '--rate', '100', ...PORTS]);
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
  assert.equal(leftovers(), before);
});

test('Ctrl-C ends all of it', async () => {
  const before = leftovers();
  let interrupted = false;
  const run = await demo(['--seconds', '60', ...PORTS], (output, interrupt) => {
    if (interrupted || !output.includes('requests answered')) return;
    interrupted = true;
    interrupt();
  });
  assert.equal(run.status, 0, run.output + run.complaints);
  assert.match(run.output, /export TCPVS_SOCKET=\S+\n {2}bin\/tcpvsadm -L\n/);
  assert.match(run.output, /[1-9][0-9,]* requests answered, 0 errors · appa web1 100\.00/);
  assert.match(run.output, /ended\.\n$/);
  assert.equal(leftovers(), before);
  assert.deepEqual([portOwner(18_431), portOwner(18_432)], [null, null]);
});
