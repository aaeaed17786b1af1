import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a file so that whoever reads it, also after a crash in any moment, finds the old content or the new one:
 * written beside it, synced, renamed, the directory synced. Mode 0600. Content that is long may come in parts.
 */
export async function writeDurably(path: string, content: string | Iterable<string>): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Null: there is no such file. Throws for a file above `limit` bytes. */
export async function readBounded(path: string, limit: number): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size > limit) throw new Error(`${path} has ${size} bytes, more than the ${limit} that are read`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Removes what writes of processes that were killed left beside `path`. */
export async function removeLeftovers(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || !name.endsWith('.tmp')) continue;
    const writer = Number(name.slice(prefix.length).split('.', 1)[0]);
    if (writer !== process.pid && !isAlive(writer)) await unlink(join(dirname(path), name)).catch(() => undefined);
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
