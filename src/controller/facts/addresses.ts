/** Where clients reach a Service. */
import { isIP } from 'node:net';

import type { KubeObject } from '../../kube/resource.ts';
import type { PublishedAddress } from '../../translate/cluster-facts.ts';

export const publishedAddress = (value: string): PublishedAddress => ({
  type: isIP(value) === 0 ? 'Hostname' : 'IPAddress',
  value,
});

/** The load balancer's where there is one, else external IPs, else (inside of the cluster) the Service's own. */
export function publishedAddresses({ spec, status }: KubeObject): PublishedAddress[] {
  const { externalIPs = [], clusterIPs = [], type, externalName } = (spec ?? {}) as ServiceSpec;
  const { loadBalancer } = (status ?? {}) as { loadBalancer?: { ingress?: readonly Ingress[] } };
  const balanced = (loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
  if (balanced.length > 0) return balanced.map(publishedAddress);
  if (type === 'ExternalName') return externalName === undefined ? [] : [publishedAddress(externalName)];
  if (externalIPs.length > 0) return externalIPs.map(publishedAddress);
  // Of a load balancer that is on its way nothing is known yet.
  return type === 'LoadBalancer' ? [] : clusterIPs.filter((ip) => ip !== 'None').map(publishedAddress);
}

interface ServiceSpec {
  readonly type?: string;
  readonly externalName?: string;
  readonly externalIPs?: readonly string[];
  readonly clusterIPs?: readonly string[];
}

interface Ingress {
  readonly ip?: string;
  readonly hostname?: string;
}
