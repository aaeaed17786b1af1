import type { BigIntStats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Listing {
  /** Regular files by path relative to the root ('' where the root is a file), in order. */
  readonly files: ReadonlyMap<string, FileStamp>;
  /** The root where it is a directory, with what tells it from another of the same name. */
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
export const MAX_FILES = 5000;
/** Of all of them together: their objects are kept, and take several times that. */
export const MAX_BYTES = 256 << 20;

/**
 * The manifests of a directory, or the one file that `root` is. Directories below it are left out (kustomize keeps
 * overlays there, which would be the same objects again), and hidden entries: the real files of Kubernetes' volumes
 * (`..data`) are reached by their visible links.
 * Errors: what the file system says of the root; what disappears while it is listed is left out.
 */
export async function listFiles(root: string): Promise<Listing> {
  const files = new Map<string, FileStamp>();
  const directories = new Map<string, string>();
  const top = await stat(root, { bigint: true });
  if (!top.isDirectory()) {
    files.set('', stamp(root, top));
    return { files, directories };
  }
  directories.set(root, `${top.dev} ${top.ino}`);
  const names = (await readdir(root)).filter((name) => !name.startsWith('.') && MANIFEST.test(name)).toSorted();
  if (names.length > MAX_FILES) throw new Error(`read ${names.length} manifests, expected at most ${MAX_FILES}`);
  const stamps = await Promise.all(
    names.map(async (name) => [name, await stat(join(root, name), { bigint: true }).catch(ignoreMissing)] as const),
  );
  let bytes = 0;
  for (const [name, info] of stamps) {
    if (info === null && (await isLink(join(root, name)))) files.set(name, brokenLink(join(root, name)));
    if (info?.isFile() !== true) continue;
    files.set(name, stamp(join(root, name), info));
    bytes += Number(info.size);
  }
  if (bytes > MAX_BYTES) {
    throw new Error(`read ${files.size} manifests of ${bytes} bytes together, expected at most ${MAX_BYTES} bytes`);
  }
  return { files, directories };
}

/** Of one file. Errors: what the file system says, and what is no file. */
export async function stampOf(path: string): Promise<FileStamp> {
  const info = await stat(path, { bigint: true });
  if (!info.isFile()) throw new Error('is not a file');
  return stamp(path, info);
}

function stamp(path: string, info: BigIntStats): FileStamp {
  return {
    path,
    identity: [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' '),
    size: Number(info.size),
    modified: Number(info.mtimeMs),
  };
}

/** A link that leads nowhere is a fault when it is read: what it led to stays in force, and a person is told. */
function brokenLink(path: string): FileStamp {
  return { path, identity: 'broken link', size: 0, modified: 0 };
}

function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (info) => info.isSymbolicLink(),
    () => false,
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP') return null;
  throw error;
}
