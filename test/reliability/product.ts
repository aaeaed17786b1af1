import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Builds the bundle that the image has; resolves with its directory. */
export async function buildProduct(): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'build.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the bundle could not be built: exit ${code}`);
  return join(ROOT, 'dist');
}
