/** Nodes, grants, address ranges and Secrets as translate sees them. */
import { isDeepStrictEqual } from 'node:util';

import type { KubeObject } from '../../kube/resource.ts';
import type { NodeFacts, ReferenceGrantFacts } from '../../translate/cluster-facts.ts';
import type { TlsSecret } from '../../translate/cluster-state.ts';

/** `previous`: what was read of the same node before; a heartbeat changes nothing of it, and then it is returned. */
export function nodeFacts({ metadata, spec, status }: KubeObject, previous?: NodeFacts): NodeFacts {
  const { podCIDR, podCIDRs } = (spec ?? {}) as { podCIDR?: string; podCIDRs?: readonly string[] };
  const { addresses = [], allocatable } = (status ?? {}) as {
    addresses?: readonly { type: string; address: string }[];
    allocatable?: Readonly<Record<string, string>>;
  };
  const facts: NodeFacts = {
    labels: metadata.labels ?? {},
    addresses: addresses.filter(({ type }) => IP_TYPES.has(type)).map(({ address }) => address),
    podRanges: podCIDRs ?? (podCIDR === undefined ? [] : [podCIDR]),
    ...(allocatable?.['cpu'] === undefined ? {} : { allocatable: { cpu: allocatable['cpu'] } }),
  };
  return previous !== undefined && isDeepStrictEqual(previous, facts) ? previous : facts;
}

const IP_TYPES: ReadonlySet<string> = new Set(['InternalIP', 'ExternalIP']);

export function grantFacts({ metadata, spec }: KubeObject): ReferenceGrantFacts {
  const { from = [], to = [] } = (spec ?? {}) as {
    from?: readonly { group?: string; kind: string; namespace: string }[];
    to?: readonly { group?: string; kind: string; name?: string }[];
  };
  return {
    namespace: metadata.namespace ?? '',
    from: from.map(({ group, kind, namespace }) => ({ group: group ?? '', kind, namespace })),
    to: to.map(({ group, kind, name }) => ({ group: group ?? '', kind, name: name ?? null })),
  };
}

/** Of all ServiceCIDR objects. */
export function serviceRangesOf(objects: readonly KubeObject[]): string[] {
  return objects.flatMap(({ spec }) => ((spec ?? {}) as { cidrs?: readonly string[] }).cidrs ?? []);
}

/** A Secret (`namespace/name`) that the API server does not let us read. */
export function deniedSecret(key: string): TlsSecret {
  const [namespace = '', name = ''] = key.split('/');
  const role = `a Role in ${namespace} that permits list and watch of secrets with resourceNames [${name}]`;
  const denied =
    `the controller may not read it; bind ${role} to the controller's ServiceAccount, ` +
    `or have it named in the chart's values, by secrets.named or secrets.namespaces`;
  return { certificate: null, key: null, ca: null, denied };
}

export function tlsSecret({ data }: KubeObject): TlsSecret {
  const values = (data ?? {}) as Readonly<Record<string, string | undefined>>;
  const text = (name: string) => {
    const value = values[name];
    return value === undefined ? null : Buffer.from(value, 'base64').toString();
  };
  return { certificate: text('tls.crt'), key: text('tls.key'), ca: text('ca.crt') };
}
