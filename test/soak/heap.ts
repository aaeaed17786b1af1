/**
 * The heap of a running process and of all its workers after a full collection, over the inspector's protocol: what is in
 * use then is held by somebody. A plain look at the heap sees mostly what has not been collected yet.
 */
import { Inspector } from '../../bench/measure/inspector.ts';

export interface HeldHeap {
  /** Bytes, of the main thread. */
  readonly main: number;
  /** Bytes, of all workers together. */
  readonly workers: number;
}

/** `port` as given to the process by `--inspect-port`; it opens on SIGUSR1. */
export async function heldHeap(pid: number, port: number): Promise<HeldHeap> {
  const session = await Inspector.open(pid, port);
  try {
    const main = await collected((method, parameters) => session.send(method, parameters));
    let workers = 0;
    for (const id of session.workers)
      workers += await collected((method, parameters) => session.sendToWorker(id, method, parameters));
    return { main, workers };
  } finally {
    session.close();
  }
}

type Send = (method: string, parameters?: object) => Promise<unknown>;

async function collected(send: Send): Promise<number> {
  // Twice: what finalisers let go of in the first is freed by the second.
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
  const { usedSize } = (await send('Runtime.getHeapUsage')) as { usedSize: number };
  return usedSize;
}
