/** A thread that asks an admin endpoint again and again: how long it takes is not how busy the test itself is. */
import { request } from 'node:http';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { sleep } from './figures.ts';

export interface AdminWatch {
  /** Ends it. @returns the milliseconds that each answer took; Infinity: there was none, or another than 200 */
  stop(): Promise<number[]>;
}

export function watchAdmin(address: string, port: number): AdminWatch {
  const worker = new Worker(new URL(import.meta.url), { workerData: { host: address, port } });
  const times = new Promise<number[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return {
    stop: () => {
      worker.postMessage('stop');
      return times;
    },
  };
}

const INTERVAL = 50;

async function watch(where: { readonly host: string; readonly port: number }): Promise<void> {
  const times: number[] = [];
  const state = { over: false };
  parentPort!.once('message', () => (state.over = true));
  while (!state.over) {
    const begun = performance.now();
    const status = await new Promise<number>((resolve) => {
      const asked = request({ ...where, path: '/healthz', agent: false }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode!));
      });
      asked.on('error', () => resolve(0));
      asked.end();
    });
    times.push(status === 200 ? performance.now() - begun : Infinity);
    await sleep(INTERVAL);
  }
  parentPort!.postMessage(times);
}

if (!isMainThread) await watch(workerData as { host: string; port: number });
