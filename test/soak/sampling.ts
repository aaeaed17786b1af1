/** What the processes of tcpvs hold: memory, descriptors, threads. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { memory, tree } from '../../bench/measure/process.ts';
import { adminRequest } from '../../src/cli/demo-serve.ts';
import type { HeldHeap } from './heap.ts';
import { residentOf, type Resident } from './resident.ts';
import type { Setting } from './setting.ts';

const LEVEL_LOOKS = 12;

export interface Sample {
  /** Minutes since start. */
  readonly minute: number;
  /** Bytes, all processes. */
  readonly rss: number;
  readonly pss: number;
  /** Bytes of the main thread's heap in use; null where it is not told. */
  readonly heap: number | null;
  /** Open descriptors and threads, all processes. */
  readonly descriptors: number;
  readonly threads: number;
}

/** What is left after a full collection in all threads: what a collector would free now or later is not counted. */
export interface Level {
  readonly minute: number;
  readonly heap: HeldHeap;
  /** Bytes, all processes. */
  readonly rss: number;
  /** Of the process that serves, by what it is for, at the moment of the least. Not there in runs that were kept before. */
  readonly resident?: Resident;
}

export async function takeSample(pid: number, socket: string, minute: number): Promise<Sample> {
  const { rss, pss } = memory(pid);
  const pids = tree(pid);
  const entries = (what: string) => pids.reduce((sum, each) => sum + count(`/proc/${each}/${what}`), 0);
  return { minute, rss, pss, heap: await heapUsed(socket), descriptors: entries('fd'), threads: entries('task') };
}

/**
 * What is left after a full collection in all threads. Of resident memory the least of several looks: pages are given back
 * over some seconds, while requests go on.
 */
export async function takeLevel(
  { serve, serving, heldHeap }: Pick<Setting, 'serve' | 'serving' | 'heldHeap'>,
  minute: () => number,
): Promise<Level> {
  const heap = await heldHeap();
  let rss = Number.POSITIVE_INFINITY;
  let resident: Resident | null = null;
  for (let look = 0; look < LEVEL_LOOKS; look++) {
    await sleep(500);
    const now = memory(serve.pid).rss;
    if (now >= rss) continue;
    rss = now;
    resident = residentOf(serving);
  }
  return { minute: minute(), heap, rss, ...(resident === null ? {} : { resident }) };
}

export async function heapUsed(socket: string): Promise<number | null> {
  const { body } = await adminRequest(socket, '/metrics');
  const value = /^\w*heap_size_used_bytes(?:\{[^}]*\})? ([\d.e+]+)$/m.exec(body)?.[1];
  return value === undefined ? null : Number(value);
}

function count(directory: string): number {
  try {
    return readdirSync(directory).length;
  } catch {
    return 0;
  }
}
