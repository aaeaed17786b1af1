/** Objects of a cluster, as many as a measurement wants: named by number, all in one namespace. */
import { type AnyObject, parseObject } from '../../src/api/parse.ts';
import type { EndpointSliceFacts, ServiceFacts } from '../../src/translate/cluster-facts.ts';
import type { ClusterState } from '../../src/translate/cluster-state.ts';

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export const key = (name: string): string => `default/${name}`;

/** Errors: an object that is not as the API wants it. */
export function parsed(kind: string, name: string, spec: unknown): AnyObject {
  const result = parseObject({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec });
  if (!result.ok) throw new Error(result.faults.map((fault) => fault.message).join('\n'));
  return result.object;
}

export const SERVICE: ServiceFacts = {
  type: 'ClusterIP',
  ports: [{ name: null, port: 80, protocol: 'TCP' }],
  clusterIps: [],
  ipFamilies: ['IPv4'],
};

/** The slice of Service number `index`: one pod per entry of `seconds`, on one node after another; its address' second part. */
export const slice = (index: number, seconds: readonly number[], nodes: number): readonly EndpointSliceFacts[] => [
  {
    addressType: 'IPv4',
    ports: [{ name: null, port: 8080, protocol: 'TCP' }],
    endpoints: seconds.map((second, pod) => ({
      addresses: [`10.${second}.${index >> 8}.${index & 255}`],
      ready: true,
      serving: true,
      terminating: false,
      nodeName: `node-${(index + pod) % nodes}`,
      podUid: null,
    })),
  },
];

/** Services with a slice each, by number, and nodes. */
export const facts = (
  services: number,
  sliceOf: (index: number) => readonly EndpointSliceFacts[],
  nodes: number,
): Pick<NonNullable<ClusterState['cluster']>, 'services' | 'slices' | 'nodes'> => ({
  services: new Map(numbers(services).map((index) => [key(`s${index}`), SERVICE])),
  slices: new Map(numbers(services).map((index) => [key(`s${index}`), sliceOf(index)])),
  nodes: new Map(numbers(nodes).map((index) => [`node-${index}`, { labels: {}, addresses: [], podRanges: [] }])),
});

/** A real server for each Service, and one for each node. */
export const servers = (services: number, nodes: number): ClusterState['realServers'] =>
  new Map([
    ...numbers(services).map((index) => named(`s${index}`, { serviceRef: { name: `s${index}` } })),
    ...numbers(nodes).map((index) => named(`n${index}`, { nodeName: `node-${index}` })),
  ]) as ClusterState['realServers'];

const named = (name: string, spec: unknown) => [key(name), parsed('RealServer', name, spec)] as const;

export const withSlice = (state: ClusterState, index: number, as: readonly EndpointSliceFacts[]): ClusterState => ({
  ...state,
  cluster: { ...state.cluster!, slices: new Map([...state.cluster!.slices, [key(`s${index}`), as]]) },
});

export const withObject = (state: ClusterState, object: AnyObject): ClusterState => {
  const entry = [key(object.metadata.name), object] as const;
  if (object.kind === 'AppWeightMatrix') return { ...state, matrices: new Map([...state.matrices, entry as never]) };
  if (object.kind === 'RealServer') return { ...state, realServers: new Map([...state.realServers, entry as never]) };
  return { ...state, virtualServers: new Map([...state.virtualServers, entry as never]) };
};
