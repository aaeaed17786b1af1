/** tcpvs as it is shipped: the bundle, with a copy of Node for itself. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './machine.ts';

/** Makes both in the directory; the words that begin its command line. Errors: the build's own. */
export function shipped(directory: string): [string, string] {
  const node = join(directory, 'node');
  copyFileSync(process.execPath, node);
  return [node, bundled(directory)];
}

/** The bundle alone: makes it in the directory; path of its program. Errors: the build's own. */
export function bundled(directory: string): string {
  const bundle = join(directory, 'dist');
  const built = spawnSync(process.execPath, [join(ROOT, 'build.ts'), bundle], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`make build: ${built.stderr}`);
  return join(bundle, 'tcpvs.mjs');
}
