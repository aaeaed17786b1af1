/**
 * What a cluster tells beside the objects themselves: plain data, put together by the controller from its watches. Maps
 * and the values in them are immutable: a value that did not change is the same one (===) in the next state, which is what
 * makes a change cost what it changes.
 */
import type { Policy } from '../api/policy.ts';
import type { ObjectKey } from '../model/snapshot.ts';

export type { HostRule, Policy } from '../api/policy.ts';

export interface ClusterFacts {
  readonly services: ReadonlyMap<ObjectKey, ServiceFacts>;
  /** All EndpointSlices of a Service, by the key of the Service (label kubernetes.io/service-name). */
  readonly slices: ReadonlyMap<ObjectKey, readonly EndpointSliceFacts[]>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** Gateway API ReferenceGrants; none where that CRD is not installed. */
  readonly grants: readonly ReferenceGrantFacts[];
  /** What the installation lets namespaces do. */
  readonly policy: Policy;
  /** Ports of the proxies' Service; null: not known (or there is none), and no listener is judged by it. */
  readonly exposedPorts: ReadonlySet<number> | null;
  /** Where clients reach the proxies: what status.addresses says. */
  readonly addresses: readonly PublishedAddress[];
  /** CIDRs that ClusterIPs are given from (ServiceCIDR objects); [] where they are not known. */
  readonly serviceRanges: readonly string[];
}

export interface ServiceFacts {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly ports: readonly ServicePortFacts[];
  /** Without `None`. */
  readonly clusterIps: readonly string[];
  /** The primary one first, as spec.ipFamilies; [] where it is not known. */
  readonly ipFamilies: readonly ('IPv4' | 'IPv6')[];
}

export interface ServicePortFacts {
  /** null: the Service has one port, without a name. */
  readonly name: string | null;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

export interface EndpointSliceFacts {
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly ports: readonly SlicePortFacts[];
  readonly endpoints: readonly EndpointFacts[];
}

export interface SlicePortFacts {
  /** Name of the Service's port that this is the target of; null: that has none. */
  readonly name: string | null;
  /** null: all ports, which says nothing to us. */
  readonly port: number | null;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

export interface EndpointFacts {
  readonly addresses: readonly string[];
  /** The API's defaults applied: absent `ready` and `serving` are true, absent `terminating` is false. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly nodeName: string | null;
  readonly podUid: string | null;
  /** Of its pod; absent: it has none. */
  readonly podName?: string;
}

export interface NodeFacts {
  readonly labels: Readonly<Record<string, string>>;
  /** Its IP addresses (status.addresses of type InternalIP and ExternalIP): no fixed address of a RealServer. */
  readonly addresses: readonly string[];
  /** spec.podCIDRs; [] where the network does not use them. */
  readonly podRanges: readonly string[];
  /** Of status.allocatable what requests use: quantities; absent where it is not known. */
  readonly allocatable?: Readonly<Record<string, string>>;
}

export interface ReferenceGrantFacts {
  /** Where it stands, and so what it opens. */
  readonly namespace: string;
  readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
  /** `name` null: all of that kind. The core group is ''. */
  readonly to: readonly { readonly group: string; readonly kind: string; readonly name: string | null }[];
}

export interface PublishedAddress {
  readonly type: 'IPAddress' | 'Hostname';
  readonly value: string;
}

/** All hosts open, all addresses shut. */
export const openPolicy: Policy = { hostPolicy: [], addressPolicy: [] };

/** A cluster of which nothing is known yet. */
export const emptyFacts: ClusterFacts = {
  services: new Map(),
  slices: new Map(),
  nodes: new Map(),
  grants: [],
  policy: openPolicy,
  exposedPorts: null,
  addresses: [],
  serviceRanges: [],
};
