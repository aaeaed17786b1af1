/**
 * A real Kubernetes API: etcd and kube-apiserver with RBAC, on loopback unless told otherwise, ready in a few seconds.
 * No controllers run: no ServiceAccount is made by itself, nothing is scheduled, namespaces do not finish dying.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort } from '../../src/cli/demo-ports.ts';
import { ApiClient } from './api-client.ts';
import { apiServerCommand, etcdCommand, writeApiFiles } from './api-commands.ts';
import { type ApiHandle, openApi } from './api-handle.ts';
import { findBinaries } from './binaries.ts';
import { startDaemon, untilReady } from './daemon.ts';
import { ownedDirectory } from './owned-directory.ts';

export interface Api extends ApiHandle {
  /** Ends the API server, or starts it again on the same data and port. */
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  /** As a machine that fails: it has no time to take its address out of the Service `kubernetes`. */
  killServer(): Promise<void>;
  /** Ends etcd and starts it again, while the API server runs. */
  restartEtcd(): Promise<void>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  /** Where it listens and says that it is. */
  readonly address?: string;
  readonly port?: number;
  readonly serviceRange?: string;
  /** Empty or not there yet, and the caller's to remove. */
  readonly directory?: string;
  /** Controllers will run beside it: pods then need their ServiceAccount. */
  readonly controllers?: boolean;
  /** Users by name, with their groups; their tokens are in `directory`/tokens/NAME. */
  readonly users?: Readonly<Record<string, readonly string[]>>;
}

export async function startApi(options: ApiOptions = {}): Promise<Api> {
  const found = findBinaries('api');
  if ('why' in found) throw new Error(found.why);
  const { bin } = found;
  const directory = options.directory ?? ownedDirectory();
  const { address = '127.0.0.1', serviceRange = '10.96.0.0/16', controllers = false } = options;
  const port = options.port ?? (await freePort());
  const url = `https://${address}:${port}`;
  for (const name of ['logs', 'tokens']) mkdirSync(join(directory, name), { recursive: true });
  const tokens = writeApiFiles(directory, { admin: ['system:masters'], ...options.users });
  const adminToken = tokens.get('admin') ?? '';
  const caFile = join(directory, 'certificates/apiserver.crt');
  const log = (name: string) => ({ log: join(directory, 'logs', `${name}.log`) });
  const where = { bin, directory, address, port, serviceRange, controllers };
  const startEtcd = () => startDaemon('etcd', etcdCommand(where), log('etcd'));
  const startServer = () => startDaemon('kube-apiserver', apiServerCommand(where), log('kube-apiserver'));

  let etcd = startEtcd();
  let server = startServer();
  const stop = async () => {
    // In this order, and one after the other: an API server without its etcd does not end.
    await server.stop(2000);
    await etcd.stop(2000);
  };
  const untilAnswering = () =>
    untilReady('the API', [etcd, server], async () => {
      if (!existsSync(caFile)) return false;
      const client = new ApiClient({ url, ca: readFileSync(caFile, 'utf8'), token: adminToken });
      try {
        await client.get('/readyz');
        await client.get('/api/v1/namespaces/default');
        return true;
      } finally {
        client.close();
      }
    });
  try {
    await untilAnswering();
  } catch (error) {
    await stop();
    throw error;
  }

  const ca = readFileSync(caFile, 'utf8');
  const handle = openApi({ url, ca, caFile, adminToken, auditLog: join(directory, 'logs/audit.log'), directory, bin });
  return {
    ...handle,
    // It would wait for its watches to end by themselves.
    stopServer: () => server.stop(2000),
    killServer: () => server.kill(),
    startServer: async () => {
      server = startServer();
      await untilAnswering();
    },
    restartEtcd: async () => {
      // As a crash would: asked to end, it waits for its clients, which wait for it.
      await etcd.stop(0);
      etcd = startEtcd();
      await untilAnswering();
    },
    stop: async () => {
      handle.close();
      await stop();
    },
  };
}
