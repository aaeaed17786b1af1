/** h2spec: where it is, and what it finds. */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';

const BUILT = join(import.meta.dirname, '../../.cache/cluster/bin');

/** Its path; null: `make cluster-binaries` has not built it. */
export function findH2spec(): string | null {
  const path = join(process.env['TCPVS_CLUSTER_BIN'] ?? BUILT, 'h2spec');
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return null;
  }
}

export interface Findings {
  readonly cases: number;
  /** Section and title of each case that failed. */
  readonly failed: readonly string[];
}

/** Runs all cases, the strict ones among them. `report`: a file that it may write. */
export async function h2spec(path: string, port: number, args: readonly string[], report: string): Promise<Findings> {
  const words = ['--strict', '--timeout', '3', '-h', '127.0.0.1', '-p', String(port), '-j', report, ...args];
  const child = spawn(path, words, { stdio: 'ignore' });
  await new Promise((resolve) => {
    child.on('close', resolve);
  });
  const failed: string[] = [];
  let cases = 0;
  for (const [, section, title, inner] of readFileSync(report, 'utf8').matchAll(CASE)) {
    cases++;
    if (/<(error|failure)/.test(inner!)) failed.push(`${section} ${title}`.replaceAll('&#34;', '"'));
  }
  return { cases, failed };
}

const CASE = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([^]*?)<\/testcase>/g;
