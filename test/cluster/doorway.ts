/** Connections out of a network namespace, for a process that is not in it: sockets keep the namespace they were made in. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import type { DoorwayAnswer, DoorwayRequest } from './doorway-main.ts';

export interface Doorway {
  /** `host` may be a name of the cluster's. Rejects as net.connect would. */
  readonly connect: (host: string, port: number) => Promise<Socket>;
  close(): Promise<void>;
}

/** `enter`: what, before a command, runs it in the namespace. */
export async function openDoorway(enter: readonly string[]): Promise<Doorway> {
  const main = join(import.meta.dirname, 'doorway-main.ts');
  const child: ChildProcess = spawn(enter[0] ?? '', [...enter.slice(1), process.execPath, main], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (socket: Socket) => void; reject: (error: Error) => void }>();
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      for (const { reject } of waiting.values()) reject(new Error('the doorway is closed'));
      waiting.clear();
      resolve();
    });
  });
  child.on('message', ({ id, error, code }: DoorwayAnswer, socket: Socket | undefined) => {
    const caller = waiting.get(id);
    waiting.delete(id);
    if (socket !== undefined) caller?.resolve(socket);
    else caller?.reject(Object.assign(new Error(error ?? 'no socket'), { code }));
  });
  await once(child, 'message');
  let last = 0;
  return {
    connect: (host, port) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        child.send({ id, host, port } satisfies DoorwayRequest, (error) => {
          if (error !== null) reject(error);
        });
      }),
    close: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
