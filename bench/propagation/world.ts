/** A cluster of so many rules, and changes of it: the same in every process that makes it. */
import type { TcpVirtualServer } from '../../src/api/parse.ts';
import { emptyFacts } from '../../src/translate/cluster-facts.ts';
import { type ClusterState, emptyState } from '../../src/translate/cluster-state.ts';
import { facts, key, numbers, parsed, servers, slice, withObject, withSlice } from '../measure/cluster-objects.ts';

export const CHANGES = ['endpoints of a Service', 'weight of a cell', 'path of a rule'] as const;
export type Change = (typeof CHANGES)[number];

/** Rules of one virtual server; each of them has a Service of its own. */
const RULES = 10;
const NODES = 5;

/** `port`: where all virtual servers listen, each with a host of its own. */
export function makeWorld(rules: number, port: number): ClusterState {
  const virtuals = numbers(Math.ceil(rules / RULES)).map((index) => virtualServer(index, rules, port, 0));
  return {
    ...emptyState('Cluster'),
    realServers: servers(rules, NODES),
    virtualServers: new Map(virtuals.map((object) => [key(object.metadata.name), object])),
    matrices: new Map([[key('m'), matrix(1)]]) as ClusterState['matrices'],
    cluster: { ...emptyFacts, ...facts(rules, (index) => pods(index, 0), NODES) },
  };
}

/** The change number `round`; each of them makes another snapshot. */
export function changed(state: ClusterState, change: Change, round: number, rules: number, port: number): ClusterState {
  const index = (round * 7919) % rules;
  if (change === 'endpoints of a Service') return withSlice(state, index, pods(index, round));
  if (change === 'weight of a cell') return withObject(state, matrix(round + 1));
  return withObject(state, virtualServer(Math.floor(index / RULES), rules, port, round));
}

/** Three; one of them is another one in each round. */
const pods = (index: number, round: number) => slice(index, [100 + (round % 100), 1, 2], NODES);

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
