/** Facts of the clusters of golden cases, as a person writes them: what is left out is as Kubernetes defaults it. */
import type { AddressRule } from '../model/address-policy.ts';
import {
  type ClusterFacts,
  emptyFacts,
  type EndpointFacts,
  type EndpointSliceFacts,
  type HostRule,
  type NodeFacts,
  type PublishedAddress,
  type ReferenceGrantFacts,
  type ServiceFacts,
  type ServicePortFacts,
} from './cluster-facts.ts';

export interface GoldenFacts {
  readonly services?: Readonly<Record<string, Partial<Omit<ServiceFacts, 'ports'>> & GoldenPorts>>;
  /** By key of the Service. */
  readonly slices?: Readonly<Record<string, readonly GoldenSlice[]>>;
  readonly nodes?: Readonly<Record<string, Partial<NodeFacts>>>;
  readonly grants?: readonly ReferenceGrantFacts[];
  readonly hostPolicy?: readonly HostRule[];
  readonly addressPolicy?: readonly Partial<AddressRule>[];
  readonly exposedPorts?: readonly number[] | undefined;
  readonly addresses?: readonly PublishedAddress[];
  readonly serviceRanges?: readonly string[];
}

interface GoldenPorts {
  readonly ports?: readonly Partial<ServicePortFacts>[];
}

interface GoldenSlice extends Partial<Omit<EndpointSliceFacts, 'endpoints' | 'ports'>> {
  readonly ports?: readonly Partial<EndpointSliceFacts['ports'][number]>[];
  /** `address` is short for `addresses: [address]`. */
  readonly endpoints?: readonly (Partial<EndpointFacts> & { readonly address?: string })[];
}

export const toFacts = (given: GoldenFacts): ClusterFacts => ({
  services: mapOf(given.services, ({ ports = [], ...rest }) => ({
    type: 'ClusterIP',
    clusterIps: [],
    ipFamilies: [],
    ...rest,
    ports: ports.map((port) => ({ name: null, port: 80, protocol: 'TCP', ...port })),
  })),
  slices: mapOf(given.slices, (slices) => slices.map(toSlice)),
  nodes: mapOf(given.nodes, (node) => ({ labels: {}, addresses: [], podRanges: [], ...node })),
  grants: given.grants ?? [],
  policy: {
    hostPolicy: given.hostPolicy ?? [],
    addressPolicy: (given.addressPolicy ?? []).map((rule) => ({
      namespaces: [],
      cidrs: [],
      dnsSuffixes: [],
      ...rule,
    })),
  },
  exposedPorts: given.exposedPorts === undefined ? null : new Set(given.exposedPorts),
  addresses: given.addresses ?? emptyFacts.addresses,
  serviceRanges: given.serviceRanges ?? [],
});

const toSlice = ({ addressType = 'IPv4', ports = [{}], endpoints = [] }: GoldenSlice): EndpointSliceFacts => ({
  addressType,
  ports: ports.map((port) => ({ name: null, port: 8080, protocol: 'TCP', ...port })),
  endpoints: endpoints.map(({ address, ...rest }) => ({
    addresses: address === undefined ? [] : [address],
    ready: true,
    serving: true,
    terminating: false,
    nodeName: null,
    podUid: null,
    ...rest,
  })),
});

const mapOf = <G, F>(given: Readonly<Record<string, G>> | undefined, make: (each: G) => F): Map<string, F> =>
  new Map(Object.entries(given ?? {}).map(([key, each]) => [key, make(each)]));
