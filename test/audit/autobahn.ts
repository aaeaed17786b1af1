import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { Audit } from '../../bench/report/long-runs.ts';
import { freePort } from '../../src/cli/demo-ports.ts';
import { run } from '../clients/commands.ts';
import { setStage } from './stage.ts';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tcpvs/autobahn/25.10.1');
const HERE = join(import.meta.dirname, 'autobahn');
const WORDS = ['-jar', join(CACHE, 'jython.jar'), join(HERE, 'wstest.py'), join(CACHE, 'lib')];
/**
 * All but the compressed ones; of those, which are a thousand messages each and the same to a proxy, the first of each group: on
 * Jython all 216 of them would take three hours.
 */
const CASES = [
  ...Array.from({ length: 10 }, (_, index) => `${index + 1}.*`),
  ...Array.from({ length: 5 }, (_, index) => `12.${index + 1}.1`),
  ...Array.from({ length: 7 }, (_, index) => `13.${index + 1}.1`),
];
const PATIENCE = 30 * 60_000;

interface Outcome {
  readonly behavior: string;
  readonly behaviorClose: string;
}

/** Autobahn's WebSocket suite: a case through the proxy ends as it does without it. */
export async function auditWebSocket(): Promise<Audit> {
  await run(join(HERE, 'fetch.sh'), [CACHE]);
  await using echoServer = await startEcho();
  const { port } = echoServer;
  await using stage = await setStage(port);
  const outcomes = async (name: string, at: number) => {
    const out = join(stage.directory, name);
    await run('java', [...WORDS, 'client', `ws://127.0.0.1:${at}`, out, CASES.join(',')], stage.directory, PATIENCE);
    const { echo } = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')) as Record<
      'echo',
      Record<string, Outcome>
    >;
    return new Map(
      Object.entries(echo).map(([id, { behavior, behaviorClose }]) => [id, `${behavior}/${behaviorClose}`]),
    );
  };
  const without = await outcomes('without', port);
  const through = await outcomes('through', stage.http);
  const different = [...without].filter(([id, outcome]) => through.get(id) !== outcome);
  const passed = [...without.values()].filter((outcome) => /^(?:OK|INFORMATIONAL|NON-STRICT)\//.test(outcome)).length;
  return {
    examiner: 'Autobahn|Testsuite',
    version: '25.10.1',
    findings: different.map(
      ([id, outcome]) => `case ${id}: ${outcome} without, ${through.get(id) ?? 'absent'} through`,
    ),
    figures: { cases: without.size, 'passed by its own echo server': passed },
  };
}

async function startEcho(): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  const child = spawn('java', [...WORDS, 'server', `ws://127.0.0.1:${port}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error('the echo server of Autobahn’s suite ended at once');
    }),
  ]);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
