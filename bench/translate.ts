/**
 * Milliseconds of a translation where one thing has changed, among 5,000 Services, as many real servers and virtual servers
 * with a rule each, and a matrix of 2,000 cells on nodes. `node bench/translate.ts [--json]`. The new map that a source makes
 * for a change is not counted; the median and the 95th of a hundred changes are shown (on a machine that others use, the
 * latter tells about them).
 */
import { cpus } from 'node:os';

import { parseObject, type TcpVirtualServer } from '../src/api/parse.ts';
import { type EndpointSliceFacts, emptyFacts, type ServiceFacts } from '../src/translate/cluster-facts.ts';
import { type ClusterState, emptyState } from '../src/translate/cluster-state.ts';
import { translate, type Translation } from '../src/translate/translate.ts';

const COUNT = 5000;
const CHANGES = 100;
const NODES = 100;
const APPS = 20;

const checkPattern = (): number => 0;

const service: ServiceFacts = {
  type: 'ClusterIP',
  ports: [{ name: null, port: 80, protocol: 'TCP' }],
  clusterIps: [],
  ipFamilies: ['IPv4'],
};

const slice = (second: number, index: number, pods = 3): readonly EndpointSliceFacts[] => [
  {
    addressType: 'IPv4',
    ports: [{ name: null, port: 8080, protocol: 'TCP' }],
    endpoints: Array.from({ length: pods }, (_, pod) => ({
      addresses: [`10.${second + pod}.${index >> 8}.${index & 255}`],
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

const virtualServer = (index: number, host: string, path = '/'): TcpVirtualServer =>
  parsed('TcpVirtualServer', `v${index}`, {
    listeners: [{ name: 'web', port: 80 }],
    rules: [
      {
        name: 'all',
        match: { hosts: [host], path: { type: 'Prefix', value: path } },
        servers: [{ server: `s${index % COUNT}` }],
      },
    ],
  }) as TcpVirtualServer;

function parsed(kind: string, name: string, spec: unknown) {
  const result = parseObject({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec });
  if (!result.ok) throw new Error(result.faults.map((fault) => fault.message).join('\n'));
  return result.object;
}

function stateOfAll(): ClusterState {
  const server = (name: string, spec: unknown) => [key(name), parsed('RealServer', name, spec)] as const;
  const realServers = [
    ...numbers(COUNT).map((index) => server(`s${index}`, { serviceRef: { name: `s${index}` } })),
    ...numbers(NODES).map((index) => server(`n${index}`, { nodeName: `node-${index}` })),
  ];
  const matrix = parsed('AppWeightMatrix', 'm', {
    apps: numbers(APPS).map((app) => ({ name: `a${app}`, serviceRef: { name: `s${app}` } })),
    rows: numbers(NODES).map((node) => ({
      server: `n${node}`,
      weights: numbers(APPS).map((app) => ({ app: `a${app}`, weight: 1 })),
    })),
  });
  return {
    ...emptyState('Cluster'),
    virtualServers: new Map(
      numbers(COUNT).map((index) => [key(`v${index}`), virtualServer(index, `h${index}.example`)]),
    ),
    realServers: new Map(realServers) as ClusterState['realServers'],
    matrices: new Map([[key('m'), matrix]]) as ClusterState['matrices'],
    cluster: {
      ...emptyFacts,
      services: new Map(numbers(COUNT).map((index) => [key(`s${index}`), service])),
      slices: new Map(numbers(COUNT).map((index) => [key(`s${index}`), slice(1, index)])),
      nodes: new Map(numbers(NODES).map((index) => [`node-${index}`, { labels: {}, addresses: [], podRanges: [] }])),
    },
  };
}

const withSlice = (state: ClusterState, index: number, pods: number): ClusterState => ({
  ...state,
  cluster: {
    ...state.cluster!,
    slices: new Map([...state.cluster!.slices, [key(`s${index}`), slice(50, index, pods)]]),
  },
});

const withVirtualServer = (state: ClusterState, object: TcpVirtualServer): ClusterState => ({
  ...state,
  virtualServers: new Map([...state.virtualServers, [key(object.metadata.name), object]]),
});

const CASES: Readonly<Record<string, (state: ClusterState, round: number) => ClusterState>> = {
  'a slice of a Service': (state, round) => withSlice(state, APPS + round, 2),
  'a slice of an app on 100 nodes': (state, round) => withSlice(state, round % APPS, 2 + (round % 2)),
  'a path of a rule': (state, round) => withVirtualServer(state, virtualServer(round, `h${round}.example`, '/new')),
  'a host of a rule': (state, round) => withVirtualServer(state, virtualServer(round, `new${round}.example`)),
  'a new virtual server': (state, round) =>
    withVirtualServer(state, virtualServer(COUNT + round, `more${round}.example`)),
  'a node gone': (state, round) => ({
    ...state,
    cluster: {
      ...state.cluster!,
      nodes: new Map([...state.cluster!.nodes].filter(([name]) => name !== `node-${round}`)),
    },
  }),
};

let state = stateOfAll();
let started = performance.now();
let translation: Translation = translate(state, { checkPattern });
const first = performance.now() - started;
const results: { change: string; median: number; p95: number }[] = [];
for (const [change, next] of Object.entries(CASES)) {
  const times: number[] = [];
  for (let round = 0; round < CHANGES; round++) {
    state = { ...next(state, round), lastGood: translation.lastGood };
    started = performance.now();
    translation = translate(state, { checkPattern, previous: translation.snapshot });
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  results.push({ change, median: times[CHANGES / 2]!, p95: times[Math.floor(CHANGES * 0.95)]! });
}

if (process.argv.includes('--json')) console.log(JSON.stringify({ first, changes: results }));
else {
  console.log(
    `node ${process.version}, ${cpus()[0]?.model ?? '?'}; milliseconds; all of it at first: ${first.toFixed(0)}\n`,
  );
  for (const { change, median, p95 } of results) {
    console.log(`${change.padEnd(32)} ${median.toFixed(2).padStart(8)} ${p95.toFixed(2).padStart(8)}`);
  }
}
