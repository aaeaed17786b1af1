import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start, type Running } from '../measure/process.ts';
import type { Layout } from './peer.ts';

/** `module`: what is to be imported, of the library of old or of the one that carries it on. */
export function startHttpProxy(layout: Layout, module: string): Promise<Running> {
  const file = join(layout.directory, 'layout.json');
  writeFileSync(file, JSON.stringify(layout));
  const server = join(import.meta.dirname, 'http-proxy-server.ts');
  return start(process.execPath, [server, file, module], layout.port, join(layout.directory, 'log'));
}
