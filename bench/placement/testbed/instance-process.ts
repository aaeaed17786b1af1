/** An instance as a process on its node: started without limits, warm when it is there. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { transformSync } from 'esbuild';

import type { InstanceOptions } from './instance.ts';

/** Small heaps, one helper thread: a node has many instances and little memory. */
const FLAGS = ['--max-old-space-size=16', '--max-semi-space-size=1', '--v8-pool-size=1'];
const BLOCK = 65_536;

export interface InstanceProcess {
  readonly pid: number;
  /** Whether it has ended by itself: for want of memory, as a rule. */
  died(): boolean;
  stop(): Promise<void>;
}

/** As JavaScript, so that no instance spends its start, and its memory, on a compiler. */
export function instanceProgram(directory: string): string {
  const program = join(directory, 'instance.mjs');
  const source = readFileSync(join(import.meta.dirname, 'instance.ts'), 'utf8');
  writeFileSync(program, transformSync(source, { loader: 'ts', target: 'esnext' }).code);
  return program;
}

/** @param enter what, before a command, runs it on the node */
export async function startInstance(
  program: string,
  enter: readonly string[],
  options: InstanceOptions,
): Promise<InstanceProcess> {
  const words = [...enter, process.execPath, ...FLAGS, program, JSON.stringify(options)];
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = endOf(child);
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!ready) throw new Error(`an instance ended at once: ${words.join(' ')}`);
  let stopped = false;
  let died = false;
  void ended.then(() => (died = !stopped));
  return {
    pid: child.pid!,
    died: () => died,
    stop: async () => {
      stopped = true;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A file of so many blocks that really lie on the disk, and none of which is in the page cache. */
export function makeData(file: string, blocks: number): void {
  if (blocks === 0 || existsSync(file)) return;
  const words = ['if=/dev/zero', `of=${file}`, `bs=${BLOCK}`, `count=${blocks}`, 'oflag=direct', 'status=none'];
  execFileSync('dd', words, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
