/** `tcpvs proxy` as processes. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort } from '../../src/cli/demo-ports.ts';
import { ROOT } from '../measure/machine.ts';
import { NAME } from './place.ts';

export interface BenchProxy {
  /** Rejects when it ends by itself. */
  readonly died: Promise<never>;
  stop(): Promise<void>;
}

/** `name` is its token, and so the uid of its pod. */
export async function startProxy(name: string, directory: string, port: number, bundle: string): Promise<BenchProxy> {
  const files = join(directory, name);
  mkdirSync(files);
  writeFileSync(join(files, 'ca.crt'), bundle);
  writeFileSync(join(files, 'token'), name);
  const options = {
    controller: `https://${NAME}:${port}`,
    'ca-file': join(files, 'ca.crt'),
    'token-file': join(files, 'token'),
    admin: `127.0.0.1:${await freePort()}`,
    workers: '1',
    'log-level': 'error',
    'drain-delay': '0',
    'drain-timeout': '1',
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  const child = spawn(join(ROOT, 'bin/tcpvs'), ['proxy', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: `--import=${new URL('two-addresses.ts', import.meta.url).href}` },
  });
  let stopping = false;
  const dead = Promise.withResolvers<never>();
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code) => {
      if (!stopping) dead.reject(new Error(`${name} has ended by itself, exit code ${code}`));
      resolve();
    });
  });
  // Whoever waits for something hears of it; nobody may be waiting just now.
  dead.promise.catch(() => undefined);
  return {
    died: dead.promise,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      await ended;
    },
  };
}
