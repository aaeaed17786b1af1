/** The servers behind all peers: one nginx on three ports (and three for h2c), so that what they cost is the same for everybody. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Running } from '../measure/process.ts';
import { startNginxWith } from './nginx.ts';

export interface OriginBody {
  readonly bytes: number;
  /** Without Content-Length. */
  readonly chunked: boolean;
}

/** Answers every path on every port with a body of so many bytes. */
export function startOriginServers(
  directory: string,
  ports: readonly number[],
  h2c: readonly number[],
  body: OriginBody,
): Promise<Running> {
  const files = join(directory, 'files');
  mkdirSync(files, { recursive: true });
  const text = textOf(body);
  writeFileSync(join(files, 'body.html'), text);
  const fromMemory = !body.chunked && body.bytes <= MOST_IN_MEMORY;
  return startNginxWith(directory, ports[0] ?? 0, 1, [
    'open_file_cache max=10 inactive=1h;',
    // Head and body in one write, as most servers answer; large bodies as files are served.
    `sendfile ${body.bytes >= 1e6 ? 'on' : 'off'};`,
    'output_buffers 2 128k;',
    'etag off;',
    'default_type text/html;',
    // Server-side includes make nginx forget the length: it answers in chunks.
    ...(body.chunked ? ['ssi on;', 'ssi_min_file_chunk 128k;'] : []),
    'server {',
    ...ports.map((port) => `listen 127.0.0.1:${port} backlog=4096;`),
    ...h2c.map((port) => `listen 127.0.0.1:${port} http2;`),
    fromMemory ? `location / { return 200 '${text}'; }` : `location / { root ${files}; rewrite ^ /body.html break; }`,
    '}',
  ]);
}

/** Nothing in it that server-side includes would look at. */
export function textOf({ bytes }: OriginBody): string {
  return 'The quick brown fox jumps over the lazy dog. 0123456789 abcdefg\n'.repeat(bytes / 64 + 1).slice(0, bytes);
}

/** nginx reads strings of its configuration up to 4 KB. */
const MOST_IN_MEMORY = 2_000;
