import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import type { VolumeFile } from './volume-files.ts';

export interface Owner {
  readonly user: number;
  readonly group: number;
}

/**
 * Replaces all files of a volume at once, as the kubelet does: they lie in a directory with a name of its own, `..data`
 * links to it, and that link is exchanged.
 */
export function writeFiles(directory: string, files: ReadonlyMap<string, VolumeFile>, owner: Owner): void {
  const next = `..${randomBytes(6).toString('hex')}`;
  mkdirSync(join(directory, next), { recursive: true });
  for (const [path, { content, mode }] of files) {
    const file = join(directory, next, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, owner.group === 0 ? mode : mode | 0o040);
    chownSync(file, owner.user, owner.group);
  }
  const link = join(directory, '..data');
  const before = existsSync(link) ? readlinkSync(link) : null;
  symlinkSync(next, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), link);
  const tops = new Set([...files.keys()].map((path) => path.split('/', 1)[0] ?? ''));
  for (const top of tops) {
    if (!existsSync(join(directory, top))) symlinkSync(join('..data', top), join(directory, top));
  }
  if (before !== null) rmSync(join(directory, before), { recursive: true, force: true });
}
