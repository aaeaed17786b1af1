/** The servers behind tcpvs in a process of their own: what they cost is not the clients' time. Started with `fork`. */
import { fork } from 'node:child_process';

import { startSoakOrigin, type OriginRequest, type SoakOrigin } from './origin.ts';

export interface Origins {
  readonly pid: number;
  readonly servers: readonly Pick<SoakOrigin, 'address' | 'port'>[];
  close(): Promise<void>;
}

/** Resolves when all of them listen. Errors: what the process wrote. */
export async function startOrigins(servers: readonly OriginRequest[]): Promise<Origins> {
  const child = fork(import.meta.filename, [JSON.stringify(servers)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Ctrl-C ends the soak in order, which then ends its servers.
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the servers ended at once, exit ${code ?? 'by a signal'}`)));
  });
  return {
    pid: child.pid ?? 0,
    servers,
    close: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

if (import.meta.main) {
  const servers = JSON.parse(process.argv[2] ?? '[]') as readonly OriginRequest[];
  const origins = await Promise.all(servers.map((server) => startSoakOrigin(server)));
  // With whoever started it it ends, however that ended.
  process.once('disconnect', () => void Promise.all(origins.map((origin) => origin.close())));
  process.send?.('listening');
}
