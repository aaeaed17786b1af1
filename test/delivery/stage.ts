/** What the tests play on: a snapshot server, web servers, and running `tcpvs proxy`s. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { named, snapshotOf } from '../../src/delivery/fixture/pieces.ts';
import { type Controller, until } from '../../src/delivery/fixture/servers.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { freePort, realServer, rule, virtualServer } from '../../src/proxy/worker/fixture.ts';

const ROOT = join(import.meta.dirname, '../..');

/** tmpfs, where there is one: a snapshot is kept nowhere else. */
export const MEMORY = process.platform === 'linux' ? '/dev/shm' : tmpdir();

export interface ProxyProcess {
  readonly admin: number;
  readonly pid: number;
  readonly directory: string;
  /** What it wrote so far. */
  output(): string;
  readonly exited: Promise<number | null>;
  get(path: string): Promise<{ status: number; text: string }>;
  ready(): Promise<void>;
  /** The process that serves: child of the supervisor. */
  serving(): number;
}

export interface ProxyOptions {
  readonly directory?: string;
  readonly token?: string;
  readonly args?: readonly string[];
}

export async function startProxy(
  t: TestContext,
  controller: Controller,
  options: ProxyOptions = {},
): Promise<ProxyProcess> {
  const directory = options.directory ?? mkdtempSync(join(MEMORY, 'tcpvs-test-'));
  writeFileSync(join(directory, 'ca.crt'), controller.bundle);
  writeFileSync(join(directory, 'token'), options.token ?? 'token-1');
  const admin = await freePort();
  const words = {
    controller: `https://127.0.0.1:${controller.server.port}`,
    'ca-file': join(directory, 'ca.crt'),
    'token-file': join(directory, 'token'),
    'state-dir': join(directory, 'state'),
    admin: `127.0.0.1:${admin}`,
    workers: '2',
    'drain-timeout': '10',
  };
  const args = Object.entries(words).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(join(ROOT, 'bin/tcpvs'), ['proxy', ...args, ...(options.args ?? ['--drain-delay=0'])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  t.after(async () => {
    await end(child, exited);
    rmSync(directory, { recursive: true, force: true });
  });
  const get = async (path: string) => {
    try {
      const response = await fetch(`http://127.0.0.1:${admin}${path}`);
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: '' };
    }
  };
  return {
    admin,
    pid: child.pid!,
    directory,
    output: () => output,
    exited,
    get,
    ready: () =>
      until(async () => {
        if (child.exitCode !== null) throw new Error(`it has ended: ${output}`);
        return (await get('/readyz')).status === 200;
      }),
    serving: () => {
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
      return Number(children.at(-1));
    },
  };
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  child.kill('SIGTERM');
  await Promise.race([exited, sleep(8000, null, { ref: false })]);
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // All of the group has ended.
  }
}

/** One virtual server on a port, all of whose requests go to one web server. */
export function snapshot(port: number, origin: number, more: Parameters<typeof virtualServer>[1] = {}): Snapshot {
  const rules = [rule('all', [{ server: 'test/web', weight: 1 }])];
  return snapshotOf([realServer('web', origin), virtualServer(port, { rules, ...more })].map(named));
}
