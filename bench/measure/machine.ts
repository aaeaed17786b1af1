/** What the figures were taken on, and with what. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { ENVIRONMENT, HTTP_PROXY_3 } from './process.ts';

export const ROOT = join(import.meta.dirname, '../..');

export interface Circumstances {
  readonly version: string;
  readonly commit: string;
  readonly date: string;
  readonly machine: string;
  /** One-minute load average at the start: other work on the machine blurs the figures. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function circumstances(): Circumstances {
  const cores = cpus();
  return {
    version: ourVersion(),
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src') === '' ? '' : '+changes'),
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: `${cores.length} x ${cores[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}`,
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
    versions: {
      node: process.versions.node,
      nginx: versionOf('nginx', ['-v'], /nginx\/([\d.]+)/),
      haproxy: versionOf('haproxy', ['-v'], /version ([\d.]+)/),
      envoy: versionOf('envoy', ['--version'], /\/([\d.]+)\/Clean/),
      caddy: versionOf('caddy', ['version'], /v([\d.]+)/),
      wrk: versionOf('wrk', ['-v'], /wrk (?:debian\/)?([\d.]+)/),
      'http-proxy': packageVersion(join(ROOT, 'node_modules/http-proxy')),
      'http-proxy-3': packageVersion(HTTP_PROXY_3),
    },
  };
}

export function ourVersion(): string {
  return packageVersion(ROOT);
}

function packageVersion(directory: string): string {
  const file = join(directory, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : 'absent';
}

function versionOf(command: string, args: readonly string[], pattern: RegExp): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: ENVIRONMENT });
  return pattern.exec(`${stdout}${stderr}`)?.[1] ?? 'absent';
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
