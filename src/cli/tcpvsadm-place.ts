/** Which table a command line means, and the way to it. */
import { DEFAULT_NAMESPACE } from '../ktcpvs/table.ts';
import { AdminClient, AdminError } from './admin-client.ts';
import { ClusterClient } from './cluster-client.ts';
import { socketPath } from './socket-path.ts';
import type { TableServer } from './table-server.ts';
import { isCluster } from './tcpvsadm-options.ts';
import type { CommandLine, Dialect } from './tcpvsadm-options.ts';

export interface Place {
  readonly server: TableServer;
  readonly kind: 'Server' | 'Cluster';
  /** The namespace of names that say none. */
  readonly home: string;
}

/** Rejects with AdminError where the kubeconfig cannot be used; nothing is asked yet. */
export async function openPlace(
  { place }: Pick<CommandLine, 'place'>,
  dialect: Dialect,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Place> {
  if (!isCluster(place, dialect)) {
    const server = new AdminClient(socketPath(place.socket, environment));
    return { server, kind: 'Server', home: place.namespace ?? DEFAULT_NAMESPACE };
  }
  // The Kubernetes client takes a quarter of a second to load: not where only a socket is spoken to.
  const { connectApi } = await import('../kube/connect.ts');
  const { kubeconfig, context } = place;
  const api = await connectApi({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  }).catch((error: Error) => {
    throw new AdminError(0, error.message);
  });
  const home = place.namespace ?? api.namespace;
  return { server: new ClusterClient(api, home), kind: 'Cluster', home };
}
