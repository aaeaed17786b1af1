/** What the processes of tcpvs hold: memory, descriptors, threads. */
import { readdirSync } from 'node:fs';

import { memory, tree } from '../../bench/measure/process.ts';
import { adminRequest } from '../../src/cli/demo-serve.ts';

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

export async function takeSample(pid: number, socket: string, minute: number): Promise<Sample> {
  const { rss, pss } = memory(pid);
  const pids = tree(pid);
  const entries = (what: string) => pids.reduce((sum, each) => sum + count(`/proc/${each}/${what}`), 0);
  return { minute, rss, pss, heap: await heapUsed(socket), descriptors: entries('fd'), threads: entries('task') };
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
