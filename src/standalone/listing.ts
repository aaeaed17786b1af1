import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Listing {
  /** Regular files by path relative to the root ('' where the root is a file), in order. */
  readonly files: ReadonlyMap<string, FileStamp>;
  /** Directories below the root and itself, with what tells one from another of the same name. */
  readonly directories: ReadonlyMap<string, string>;
}

/** Differs after every change that the file system can tell. */
export interface FileStamp {
  readonly path: string;
  readonly identity: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

const MANIFEST = /\.(?:ya?ml|json)$/;
export const MAX_FILES = 20_000;
const MAX_DEPTH = 8;

/**
 * The manifests of a directory, or the one file that `root` is. Hidden entries are left out: with that `..data` and the
 * `..2026_…` directories of Kubernetes' volumes, whose files are reached by their visible links, and `.git`.
 * Errors: what the file system says of the root; what disappears below it while it is listed is left out.
 */
export async function listFiles(root: string): Promise<Listing> {
  const files = new Map<string, FileStamp>();
  const directories = new Map<string, string>();
  const top = await stat(root, { bigint: true });
  if (!top.isDirectory()) {
    files.set('', stamp(root, top));
    return { files, directories };
  }
  const visit = async (relative: string, info: BigIntStats, depth: number): Promise<void> => {
    const path = join(root, relative);
    directories.set(path, `${info.dev} ${info.ino}`);
    const names = (await readdir(path)).filter((name) => !name.startsWith('.')).toSorted();
    for (const name of names) {
      const entry = join(relative, name);
      const entryInfo = await stat(join(root, entry), { bigint: true }).catch(ignoreMissing);
      if (entryInfo === null) continue;
      if (entryInfo.isDirectory()) {
        if (depth < MAX_DEPTH) await visit(entry, entryInfo, depth + 1).catch(ignoreMissing);
      } else if (entryInfo.isFile() && MANIFEST.test(name)) {
        if (files.size >= MAX_FILES) throw new Error(`more than ${MAX_FILES} manifests`);
        files.set(entry, stamp(join(root, entry), entryInfo));
      }
    }
  };
  await visit('', top, 0);
  return { files, directories };
}

function stamp(path: string, info: BigIntStats): FileStamp {
  return {
    path,
    identity: [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' '),
    size: Number(info.size),
    modified: Number(info.mtimeMs),
  };
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP') return null;
  throw error;
}
