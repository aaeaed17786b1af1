/** A run has namespaces, control groups and a directory of its own, and takes them away again, however it ends. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ControlGroups, sweepGroups, whyNoGroups } from './control-groups.ts';
import { ISOLATED, whyNoNetwork } from './network.ts';

/** What the program inside is told. */
export interface Inside {
  /** Process id of the run, which its control groups are named after. */
  readonly owner: number;
  readonly directory: string;
}

const NAME = 'tcpvs-testbed-';

/** Why there can be no testbed here; null: there can. */
export const whyNoTestbed = (): string | null => whyNoNetwork() ?? whyNoGroups();

/**
 * Runs a program of ours in new namespaces, and ends when all that was in them has ended. Its last argument is `Inside` as JSON. What
 * runs that were killed have left behind is removed first.
 */
export async function runInside(program: string, args: readonly string[]): Promise<number> {
  sweepGroups();
  sweepDirectories();
  const directory = mkdtempSync(join(tmpdir(), `${NAME}${process.pid}-`));
  const groups = new ControlGroups(process.pid);
  const inside: Inside = { owner: process.pid, directory };
  const [file, ...words] = [...ISOLATED, process.execPath, program, ...args, JSON.stringify(inside)];
  const child = spawn(file, words, { stdio: 'inherit' });
  // Ending unshare ends the first process of the namespaces, and that ends the others.
  const end = (): void => void child.kill('SIGKILL');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (status) => resolve(status ?? 1));
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, end);
  await groups.remove();
  rmSync(directory, { recursive: true, force: true });
  return code;
}

export function insideOf(argument: string | undefined): Inside {
  return JSON.parse(argument ?? '{}') as Inside;
}

export function sweepDirectories(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${NAME}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}
