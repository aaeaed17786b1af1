import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * As `mkdir -p`. Not Node's recursive one: that tries forever where a link on the way leads nowhere, and in /proc.
 * Errors: a message for people, without the path.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const first = await made(path, mode);
  if (first === null) return;
  if (first === 'ENOENT' && dirname(path) !== path) {
    await makeDirectory(dirname(path), mode);
    const second = await made(path, mode);
    if (second === null) return;
    throw new Error(told(second));
  }
  throw new Error(told(first));
}

/** Null: the directory is there. Else the code of the error. */
async function made(path: string, mode: number): Promise<string | null> {
  try {
    await mkdir(path, { mode });
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code !== 'EEXIST') return code;
    const there = await stat(path).catch(() => null);
    if (there === null) return 'dangling';
    return there.isDirectory() ? null : 'ENOTDIR';
  }
}

function told(code: string): string {
  const known: Readonly<Record<string, string>> = {
    ENOTDIR: 'it, or a part of its path, is a file and no directory',
    ENOENT: 'no directory can be made there',
    dangling: 'it, or a part of its path, is a link that leads nowhere',
    EACCES: 'may not be made by this user (permission denied)',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the file system is full',
  };
  return known[code] ?? code;
}
