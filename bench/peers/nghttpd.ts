import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { type Running, start } from '../measure/process.ts';
import { type OriginBody, textOf } from './origin.ts';

/** nghttp2's own server, with prior knowledge: it answers those paths from files, and all streams of a read in one write. */
export function startNghttpd(
  directory: string,
  port: number,
  paths: readonly string[],
  body: OriginBody,
): Promise<Running> {
  for (const path of paths) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, textOf(body));
  }
  const options = ['--no-tls', '--workers=1', '--address=127.0.0.1', `--htdocs=${directory}`];
  return start('nghttpd', [...options, String(port)], port, `${directory}.log`);
}
