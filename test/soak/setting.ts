/** tcpvs with the demo's matrix before five servers with bad habits, and somebody who keeps changing the weights. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { tree } from '../../bench/measure/process.ts';
import { copyExample } from '../../src/cli/demo-files.ts';
import { freePort } from '../../src/cli/demo-ports.ts';
import { ROOT, startServe, type ServeProcess } from '../../src/cli/demo-serve.ts';
import { heldHeap, type HeldHeap } from './heap.ts';
import { startSoakOrigin, type SoakOrigin } from './origin.ts';

export interface Setting {
  readonly port: number;
  readonly serve: ServeProcess;
  readonly matrixFile: string;
  readonly origins: readonly SoakOrigin[];
  /** What is held in the serving process, after a full collection. */
  heldHeap(): Promise<HeldHeap>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startSetting(workers: number): Promise<Setting> {
  const serverPort = await freePort();
  const port = await freePort();
  const origins = await Promise.all(
    [1, 2, 3, 4, 5].map((server) => startSoakOrigin(`127.0.0.${10 + server}`, serverPort)),
  );
  const files = copyExample(join(ROOT, 'examples/01-eapac-demo'), { listen: port, servers: serverPort });
  const closeRest = async () => {
    files.remove();
    await Promise.all(origins.map((origin) => origin.close()));
  };
  try {
    const inspector = await freePort();
    const serve = await startServe({
      config: files.directory,
      socket: files.socket,
      workers,
      // a line for each change of two hours would be all that is kept of its output
      args: ['--log-level', 'warn'],
      environment: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspector}` },
    });
    // The supervisor's child serves.
    const serving = tree(serve.pid)[1] ?? serve.pid;
    return {
      port,
      serve,
      matrixFile: join(files.directory, 'matrix.yaml'),
      origins,
      heldHeap: () => heldHeap(serving, inspector),
      [Symbol.asyncDispose]: async () => {
        await serve.stop();
        await closeRest();
      },
    };
  } catch (error) {
    await closeRest();
    throw error;
  }
}

/** Changes the two weights of appc in the manifest: another pair each time, never 0. */
export function changeWeights(matrixFile: string, turn: number): void {
  let cell = 0;
  const text = readFileSync(matrixFile, 'utf8').replaceAll(/app: appc, weight: \d+/g, () => {
    const weight = 1 + ((turn * 7 + 50 * cell++) % 99);
    return `app: appc, weight: ${weight}`;
  });
  writeFileSync(matrixFile, text);
}
