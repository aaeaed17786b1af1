import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { start, type Running } from '../measure/process.ts';
import type { Layout } from './peer.ts';

/** The library of old, and the one that carries it on. */
export type Library = 'http-proxy' | 'http-proxy-3';

export function startHttpProxy(layout: Layout, library: Library): Promise<Running> {
  const file = join(layout.directory, 'layout.json');
  writeFileSync(file, JSON.stringify(layout));
  const server = join(import.meta.dirname, 'http-proxy-server.ts');
  return start(process.execPath, [server, file, library], layout.port, join(layout.directory, 'log'));
}
