/** The installation's policy as the proxies get it, and which ports of theirs are reached. */
import type { ClusterNetworks } from '../model/address-policy.ts';
import type { ObjectKey, PolicyPiece } from '../model/snapshot.ts';
import type { EndpointSliceFacts, NodeFacts, Policy, ServiceFacts } from './cluster-facts.ts';
import type { Problem } from './conditions.ts';

/** The API server, as pods reach it. */
export const API_SERVICE: ObjectKey = 'default/kubernetes';

/** The only piece of its kind. */
export const POLICY_KEY: ObjectKey = 'cluster/addresses';

export const policyContent = (
  { addressPolicy }: Policy,
  networks: PolicyPiece['networks'],
): Omit<PolicyPiece, 'hash'> => ({ kind: 'Policy', key: POLICY_KEY, rules: addressPolicy, networks });

/** What belongs to the cluster itself. */
export const networksOf = (
  nodes: ReadonlyMap<string, NodeFacts>,
  serviceRanges: readonly string[],
  api: { readonly service: ServiceFacts | undefined; readonly slices: readonly EndpointSliceFacts[] },
): Omit<ClusterNetworks, 'proxy'> => ({
  nodes: unique([...nodes.values()].flatMap((node) => node.addresses)),
  pods: unique([...nodes.values()].flatMap((node) => node.podRanges)),
  services: unique(serviceRanges),
  apiServer: unique([
    ...(api.service?.clusterIps ?? []),
    ...api.slices.flatMap((slice) => slice.endpoints.flatMap((endpoint) => endpoint.addresses)),
  ]),
});

/** Why a port is reached by nobody; null: it is, or that is not known. */
export const exposureOf = (port: number, exposed: ReadonlySet<number> | null): Problem | null => {
  if (exposed === null || exposed.has(port)) return null;
  const ports = exposed.size === 0 ? 'none' : [...exposed].toSorted((a, b) => a - b).join(', ');
  return { reason: 'PortNotExposed', message: `the proxies’ Service does not have port ${port}; it has ${ports}` };
};

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted();
