/** A placement with its weights and caps as a person writes it: a real server per instance, since a cap is a cell's. */
import type { DispatchName } from '../simulation/policies.ts';
import type { QueueName } from './policies.ts';
import { type App, TIMEOUT } from './scenarios.ts';

export interface Cell {
  /** Name of the node, and of the app. */
  readonly node: string;
  readonly app: string;
  readonly weight: number;
  /** Most requests in flight; null: none. */
  readonly cap: number | null;
}

/** A cell with where its instance listens. */
export interface PlacedCell extends Cell {
  readonly address: string;
  readonly port: number;
}

export interface Front {
  readonly port: number;
  readonly dispatch: DispatchName;
  /** Caps are found by tcpvs itself. */
  readonly adaptive: boolean;
  /** Before caps. */
  readonly queue: QueueName;
}

/** Whoever has waited for longer than four seconds is gone (TIMEOUT) before an answer is likely. */
const QUEUES: Readonly<Record<QueueName, object>> = {
  deadline: { requests: 10_000, deadline: `${TIMEOUT}s` },
  'of 4 s': { requests: 10_000, timeout: '4s' },
};

const BALANCE: Readonly<Partial<Record<DispatchName, string>>> = {
  'round robin': 'RoundRobin',
  'weighted round robin': 'RoundRobin',
  'least connections': 'LeastConnections',
  WLC: 'LeastConnections',
  P2C: 'PowerOfTwo',
  'P2C by weight': 'PowerOfTwo',
  'peak EWMA': 'PeakEwma',
};

export function manifestsOf(apps: readonly Pick<App, 'name'>[], cells: readonly PlacedCell[], front: Front): string {
  const servers = cells.map((cell) =>
    manifest('RealServer', serverOf(cell), {
      address: cell.address,
      port: cell.port,
      ...(front.adaptive ? { concurrency: 'Adaptive' } : {}),
      ...(cell.cap === null ? {} : { maxConnections: cell.cap }),
    }),
  );
  const matrix = manifest('AppWeightMatrix', 'testbed', {
    mode: 'Static',
    apps: apps.map(({ name }) => ({ name })),
    rows: cells.map((cell) => ({ server: serverOf(cell), weights: [{ app: cell.app, weight: cell.weight }] })),
  });
  const isCapped = front.adaptive || cells.some(({ cap }) => cap !== null);
  const virtualServer = manifest('TcpVirtualServer', 'testbed', {
    listeners: [{ name: 'web', address: '127.0.0.1', port: front.port, protocol: 'HTTP' }],
    scheduler: 'hhttp',
    balance: BALANCE[front.dispatch],
    matrixRefs: [{ name: 'testbed' }],
    ...(isCapped ? { queue: QUEUES[front.queue] } : {}),
    rules: apps.map(({ name }) => ({ name, app: name, match: { path: { type: 'Prefix', value: `/${name}` } } })),
  });
  return [...servers, matrix, virtualServer].join('---\n');
}

export const serverOf = ({ node, app }: Pick<Cell, 'node' | 'app'>): string => `${node}-${app}`;

/** In JSON, which is YAML. */
function manifest(kind: string, name: string, spec: object): string {
  return `${JSON.stringify({ apiVersion: 'tcpvs.io/v1alpha1', kind, metadata: { name }, spec })}\n`;
}
