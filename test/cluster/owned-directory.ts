/** Temporary directories that are removed with their owner, or later where it could not do so itself. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'tcpvs-cluster-';
const owned = new Set<string>();

/** Removed when this process ends. Those of processes that were killed are swept away first. */
export function ownedDirectory(): string {
  if (owned.size === 0) {
    sweep();
    process.once('exit', () => owned.forEach((path) => rmSync(path, { recursive: true, force: true })));
  }
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  owned.add(path);
  return path;
}

function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
