/** A cluster of so many rules, and changes of it: the same in every process that makes it. */
import { parseObject, type TcpVirtualServer } from '../../src/api/parse.ts';
import { type EndpointSliceFacts, emptyFacts, type ServiceFacts } from '../../src/translate/cluster-facts.ts';
import { type ClusterState, emptyState } from '../../src/translate/cluster-state.ts';

export const CHANGES = ['endpoints of a Service', 'weight of a cell', 'path of a rule'] as const;
export type Change = (typeof CHANGES)[number];

/** Rules of one virtual server; each of them has a Service of its own. */
const RULES = 10;
const NODES = 5;

/** `port`: where all virtual servers listen, each with a host of its own. */
export function makeWorld(rules: number, port: number): ClusterState {
  const servers = numbers(rules).map((index) => [
    key(`s${index}`),
    parsed('RealServer', `s${index}`, { serviceRef: { name: `s${index}` } }),
  ]);
  const nodes = numbers(NODES).map((index) => [
    key(`n${index}`),
    parsed('RealServer', `n${index}`, { nodeName: `node-${index}` }),
  ]);
  const virtuals = numbers(Math.ceil(rules / RULES)).map((index) => [
    key(`v${index}`),
    virtualServer(index, rules, port, 0),
  ]);
  return {
    ...emptyState('Cluster'),
    realServers: new Map([...servers, ...nodes] as never),
    virtualServers: new Map(virtuals as never),
    matrices: new Map([[key('m'), matrix(1)]]) as ClusterState['matrices'],
    cluster: {
      ...emptyFacts,
      services: new Map(numbers(rules).map((index) => [key(`s${index}`), SERVICE])),
      slices: new Map(numbers(rules).map((index) => [key(`s${index}`), slice(index, 0)])),
      nodes: new Map(numbers(NODES).map((index) => [`node-${index}`, { labels: {}, addresses: [], podRanges: [] }])),
    },
  };
}

/** The change number `round`; each of them makes another snapshot. */
export function changed(state: ClusterState, change: Change, round: number, rules: number, port: number): ClusterState {
  const index = (round * 7919) % rules;
  if (change === 'endpoints of a Service') {
    const slices = new Map([...state.cluster!.slices, [key(`s${index}`), slice(index, round)]]);
    return { ...state, cluster: { ...state.cluster!, slices } };
  }
  if (change === 'weight of a cell') {
    return { ...state, matrices: new Map([[key('m'), matrix(round + 1)]]) as ClusterState['matrices'] };
  }
  const object = virtualServer(Math.floor(index / RULES), rules, port, round);
  return { ...state, virtualServers: new Map([...state.virtualServers, [key(object.metadata.name), object]]) };
}

/** The first rule of the first virtual server dispatches by the matrix, all others to their Service. */
function virtualServer(index: number, rules: number, port: number, round: number): TcpVirtualServer {
  const own = numbers(Math.min(RULES, rules - index * RULES)).map((rule) => ({
    name: `r${rule}`,
    match: { hosts: [`h${index}.example`], path: { type: 'Prefix', value: `/p${rule}/${rule === 1 ? round : ''}` } },
    ...(index === 0 && rule === 0 ? { app: 'a' } : { servers: [{ server: `s${index * RULES + rule}` }] }),
  }));
  return parsed('TcpVirtualServer', `v${index}`, {
    listeners: [{ name: 'web', port }],
    ...(index === 0 ? { matrixRefs: [{ name: 'm' }] } : {}),
    rules: own,
  }) as TcpVirtualServer;
}

const matrix = (weight: number) =>
  parsed('AppWeightMatrix', 'm', {
    apps: [{ name: 'a', serviceRef: { name: 's0' } }],
    rows: numbers(NODES).map((node) => ({
      server: `n${node}`,
      weights: [{ app: 'a', weight: node === 0 ? weight : 1 }],
    })),
  });

const SERVICE: ServiceFacts = {
  type: 'ClusterIP',
  ports: [{ name: null, port: 80, protocol: 'TCP' }],
  clusterIps: [],
  ipFamilies: ['IPv4'],
};

const slice = (index: number, round: number): readonly EndpointSliceFacts[] => [
  {
    addressType: 'IPv4',
    ports: [{ name: null, port: 8080, protocol: 'TCP' }],
    endpoints: numbers(3).map((pod) => ({
      // One pod of the three is replaced.
      addresses: [
        pod === 0 ? `10.${100 + (round % 100)}.${index >> 8}.${index & 255}` : `10.${pod}.${index >> 8}.${index & 255}`,
      ],
      ready: true,
      serving: true,
      terminating: false,
      nodeName: `node-${(index + pod) % NODES}`,
      podUid: null,
    })),
  },
];

const key = (name: string): string => `default/${name}`;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function parsed(kind: string, name: string, spec: unknown) {
  const result = parseObject({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec });
  if (!result.ok) throw new Error(result.faults.map((fault) => fault.message).join('\n'));
  return result.object;
}
