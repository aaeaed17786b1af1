/** System calls per request, counted by strace; what it slows down is the same for all. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CASES, PATHS } from '../cases.ts';
import { ENVIRONMENT, tree } from '../measure/process.ts';
import { wrk } from '../measure/wrk.ts';
import type { PeerName } from '../peers/peer.ts';
import { onStage, type Settings } from './stage.ts';

export type SyscallResult = Partial<
  Record<PeerName, { readonly perRequest: number; readonly calls: readonly string[] }>
>;

export function measureSyscalls(settings: Settings): Promise<SyscallResult> {
  const [each] = CASES;
  if (each === undefined) throw new Error('no case');
  return onStage(each.body, async (stage) => {
    const result: SyscallResult = {};
    for (const peer of settings.peers) {
      settings.progress(`system calls: ${peer}`);
      const running = await stage.start(peer);
      try {
        const load = { port: running.port, connections: 64, paths: PATHS, headers: {}, directory: stage.directory };
        await wrk({ ...load, seconds: settings.warmUp });
        const file = join(stage.directory, `strace-${peer}`);
        const pids = tree(running.pid).flatMap((pid) => ['-p', String(pid)]);
        const strace = spawn('strace', ['-c', '-f', '-o', file, ...pids], { stdio: 'ignore', env: ENVIRONMENT });
        const ended = new Promise((resolve) => strace.once('close', resolve));
        await sleep(500);
        const { requests } = await wrk({ ...load, seconds: 2 });
        strace.kill('SIGINT');
        await ended;
        result[peer] = summarise(readFileSync(file, 'utf8'), requests);
      } finally {
        await running.stop();
      }
    }
    return result;
  });
}

/** Lines of `strace -c`: `% time  seconds  usecs/call  calls  [errors]  syscall`. */
export function summarise(table: string, requests: number): { perRequest: number; calls: string[] } {
  const calls = table.split('\n').flatMap((line) => {
    const match = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?([a-z]\w*)$/.exec(line);
    return match === null || match[2] === 'total' ? [] : [{ name: match[2] ?? '', count: Number(match[1]) }];
  });
  const perRequest = calls.reduce((sum, { count }) => sum + count, 0) / Math.max(1, requests);
  const frequent = calls.filter(({ count }) => count > requests / 50).toSorted((a, b) => b.count - a.count);
  return { perRequest, calls: frequent.map(({ name, count }) => `${name} ${(count / requests).toFixed(2)}`) };
}
