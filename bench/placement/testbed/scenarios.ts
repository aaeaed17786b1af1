/** What is tried: nodes, apps with the costs of their requests, and what is asked of them. Fixed before any policy was run on it. */
import type { Knobs } from './instance.ts';

export interface NodeSize {
  readonly name: string;
  /** Cores. */
  readonly cpu: number;
}

export interface App extends Knobs {
  readonly name: string;
  /** Part of all requests. */
  readonly part: number;
}

export interface Scenario {
  readonly name: string;
  readonly text: string;
  readonly nodes: readonly NodeSize[];
  readonly apps: readonly App[];
  /** Instances that a node has memory for. */
  readonly instancesPerNode: number;
  /** Bytes of memory of a node beside what its instances take when idle: for page cache, and for what requests hold. */
  readonly room: number;
  /** Bytes/s read from a node's disk. */
  readonly io: number;
  /** Blocks of 64 KiB that an app has as data. */
  readonly blocks: number;
  /** Weights by hand: [node, app, weight]. */
  readonly byHand?: readonly (readonly [node: string, app: string, weight: number])[];
}

/** Bytes that an instance takes when idle, as measured: the engine, its heap, the program. */
export const INSTANCE_MEMORY = 17 * 2 ** 20;

/** Offered load as a part of what can be served. */
export const LOADS = [0.5, 0.8, 1, 1.2, 1.5] as const;
/** Where policies are compared that are not run at all loads. */
export const ABLATED_AT = 1.2;
/** Seconds. */
export interface Times {
  /** In which requests come in a run; of those the first ones are not counted. */
  readonly seconds: number;
  readonly warmUp: number;
  /** In which costs are measured. */
  readonly measured: number;
}

export const TIMES: Times = { seconds: 24, warmUp: 7, measured: 20 };
/** For an impression: too short for any figure. */
export const QUICK: Times = { seconds: 6, warmUp: 1, measured: 5 };
/** Seconds that a client waits: httperf's, in the paper. */
export const TIMEOUT = 5;
export const SEEDS = 5;
/** Fixed caps are tuned with it. */
export const TUNING = 1001;

const MIB = 2 ** 20;
const IDLE: Knobs = { cpu: 0, disk: 0, cached: 0, memory: 0, wait: 0, accepts: 64 };
/** Cores of all nodes together. */
const CORES = 0.18;

/** The matrix of examples/01-eapac-demo. */
const DEMO_MATRIX = [
  ['web1', 'appa', 100],
  ['web1', 'appb', 100],
  ['web2', 'tpcw', 100],
  ['web2', 'appc', 87],
  ['web3', 'appc', 13],
  ['web3', 'appd', 60],
  ['web4', 'appd', 40],
  ['web4', 'appe', 31],
  ['web5', 'appe', 69],
] as const;
/** The demo's hosts have what its matrix gives them, in percent of an app each. */
const DEMO = [200, 187, 73, 71, 69];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'demo',
    text: 'five servers of the sizes that the matrix of examples/01-eapac-demo gives them, its six apps, each asked for alike; requests take the processor alone',
    nodes: DEMO.map((part, at) => ({ name: `web${at + 1}`, cpu: (CORES * part) / 600 })),
    apps: ['appa', 'appb', 'tpcw', 'appc', 'appd', 'appe'].map((name) => ({ ...IDLE, name, part: 1 / 6, cpu: 6 })),
    instancesPerNode: 2,
    room: 21 * MIB,
    io: MIB,
    blocks: 0,
    byHand: DEMO_MATRIX,
  },
  {
    name: 'mixture',
    text: 'five equal servers; two apps that read their data from the page cache, which holds that of one of them; two whose requests hold memory, which takes the page cache from the others; two that take the processor',
    nodes: DEMO.map((_, at) => ({ name: `web${at + 1}`, cpu: CORES / DEMO.length })),
    apps: [
      { ...IDLE, name: 'search', part: 0.2, cpu: 8 },
      { ...IDLE, name: 'checkout', part: 0.2, cpu: 4, wait: 150 },
      { ...IDLE, name: 'catalog', part: 0.2, cpu: 3, cached: 6, disk: 1, memory: 128, accepts: 32 },
      { ...IDLE, name: 'images', part: 0.2, cpu: 2, cached: 4, disk: 2, memory: 128, accepts: 32 },
      { ...IDLE, name: 'report', part: 0.1, cpu: 10, memory: 768, wait: 300, accepts: 7 },
      { ...IDLE, name: 'export', part: 0.1, cpu: 6, memory: 768, wait: 200, accepts: 7 },
    ],
    instancesPerNode: 2,
    room: 21 * MIB,
    io: MIB / 2,
    blocks: 208,
  },
];
