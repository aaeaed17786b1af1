import { createServer } from 'node:net';
import { join } from 'node:path';

import type { Listening } from '../proxy/supervisor/local-listeners.ts';
import type { Log } from '../telemetry/log.ts';

/** What fits into an address of a Unix socket (sun_path), without the zero at its end. */
const LONGEST = 107;

/**
 * Two servers on one state directory would write over each other's changes. Who has it listens on the socket `lock` in
 * it: that ends with the process however it ends, and a hot restart takes it over as it does with the others.
 * Where no socket can be made (a long path, a file system without them) it says so, and goes on.
 * Errors: another server has the directory.
 */
export async function lockState(directory: string, listeners: Pick<Listening, 'openPath'>, log: Log): Promise<void> {
  const path = join(directory, 'lock');
  try {
    if (Buffer.byteLength(path) > LONGEST) throw new Error(`${path} is longer than the ${LONGEST} bytes of a socket`);
    const handle = await listeners.openPath(path);
    await new Promise<void>((resolve, reject) => {
      const server = createServer((socket) => socket.destroy());
      server.once('error', reject);
      server.listen(handle, resolve);
      server.unref();
    });
  } catch (error) {
    const { message } = error as Error;
    if (message.includes('another process listens')) {
      throw new Error(
        `state directory ${directory}: another tcpvs server has it; end that, or take another directory`,
        {
          cause: error,
        },
      );
    }
    log.warn(`state directory ${directory}: nothing keeps a second server from it: ${message}`);
  }
}
