/** Which table a command line means, and the way to it. */
import { DEFAULT_NAMESPACE } from '../ktcpvs/table.ts';
import { AdminClient, AdminError } from './admin-client.ts';
import { ClusterClient } from './cluster-client.ts';
import { socketPath } from './socket-path.ts';
import type { TableServer } from './table-server.ts';
import { isCluster } from './tcpvsadm-options.ts';
import type { CommandLine, Dialect } from './tcpvsadm-options.ts';
import { VERSION } from './version.ts';

export interface Place {
  readonly server: TableServer;
  readonly kind: 'Server' | 'Cluster';
  /** The namespace of names that say none. */
  readonly home: string;
  close(): void;
}

/** Rejects with AdminError where the kubeconfig cannot be used; nothing is asked yet. */
export async function openPlace(
  { place }: Pick<CommandLine, 'place'>,
  dialect: Dialect,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Place> {
  if (!isCluster(place, dialect)) {
    const server = new AdminClient(socketPath(place.socket, environment));
    return { server, kind: 'Server', home: place.namespace ?? DEFAULT_NAMESPACE, close: () => {} };
  }
  // The Kubernetes client takes a quarter of a second to load: not where only a socket is spoken to.
  const { connectApi } = await import('../kube/connect.ts');
  const { kubeconfig = null, context } = place;
  try {
    const userAgent = `${dialect.replace(' ', '-')}/${VERSION}`;
    const { api, namespace } = connectApi({ kubeconfig, ...(context === undefined ? {} : { context }), userAgent });
    const home = place.namespace ?? namespace ?? DEFAULT_NAMESPACE;
    return { server: new ClusterClient(api, home), kind: 'Cluster', home, close: () => api.close() };
  } catch (error) {
    throw new AdminError(0, (error as Error).message);
  }
}
