/** The same load by httperf itself: whether our clients see what others' do. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Arrivals } from '../../../src/simulation/arrivals.ts';
import { pathOf, type Target } from './generator.ts';

export const hasHttperf = (): boolean => spawnSync('httperf', ['--version']).error === undefined;

/**
 * Part of the requests that were answered with 200 in time. Its arrivals are as random as ours and just as many, but other ones; what
 * is asked for is the same, in the same order. It never sleeps: it takes a core.
 */
export async function httperf(arrivals: Arrivals, names: readonly string[], target: Target): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-httperf-'));
  const file = join(directory, 'paths');
  const paths = Array.from(arrivals.time, (_, i) => `${pathOf(arrivals, i, names)}\0`);
  writeFileSync(file, paths.join(''));
  const seconds = arrivals.time.at(-1)!;
  const words = [
    `--hog --server ${target.address} --port ${target.port} --timeout ${target.timeout}`,
    `--wlog n,${file} --num-calls 1 --num-conns ${arrivals.count}`,
    `--period e${(seconds / arrivals.count).toFixed(6)}`,
  ].flatMap((line) => line.split(' '));
  try {
    const { stdout } = await promisify(execFile)('httperf', words);
    return repliesOf(stdout) / arrivals.count;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Answers of class 2xx in what httperf prints. */
export function repliesOf(text: string): number {
  const count = /^Reply status: .*\b2xx=(\d+)/m.exec(text)?.[1];
  if (count === undefined) throw new Error(`httperf printed no reply status:\n${text}`);
  return Number(count);
}
