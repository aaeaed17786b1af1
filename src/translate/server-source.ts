/** Where a real server's endpoints are: at its address, on nodes, or in a Service; and what is missing there. */
import type { ServiceRef } from '../api/common.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { Verdict } from '../model/address-policy.ts';
import type { EndpointSet, ObjectKey, ServicePiece } from '../model/snapshot.ts';
import type { Kind } from '../model/status.ts';
import type { NodeFacts, ReferenceGrantFacts } from './cluster-facts.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import { notPermitted, permits } from './grants.ts';
import { namedNode, type NodesOf, selectedNodes } from './nodes.ts';
import { portAsked, type ResolvedPort } from './services.ts';

/** Where references to Services and nodes are looked up. */
export interface ServiceWorld {
  readonly grants: readonly ReferenceGrantFacts[];
  readonly port: (asked: string) => ResolvedPort;
}

export interface SourceWorld extends ServiceWorld {
  readonly mode: ClusterState['mode'];
  readonly endpoints: (piece: ObjectKey) => Pick<ServicePiece, 'endpoints'> | undefined;
  readonly node: (name: string) => NodeFacts | undefined;
  readonly nodes: () => ReadonlyMap<string, NodeFacts>;
  /** Whether an object of the namespace may have the address. Asked in a cluster alone: else the operator wrote it. */
  readonly judgeAddress: (namespace: string, host: string) => Verdict;
}

export interface ServerSource {
  readonly endpoints: readonly EndpointSet[];
  readonly guard: string | null;
  readonly nodes: readonly string[] | null;
  readonly service: ObjectKey | null;
  readonly problems: readonly Problem[];
  /** What must not be, whoever has it. */
  readonly refusals: readonly Problem[];
  /** What is said where there is no problem. */
  readonly found: string;
  /** How many endpoints there are; null: only the rows tell. */
  readonly total: number | null;
}

export const sourceOf = (spec: RealServerSpec, namespace: string, world: SourceWorld): ServerSource => {
  if (spec.address !== undefined) return atAddress(spec, spec.address, namespace, world);
  if (world.mode === 'Standalone') return needsCluster(spec);
  if (spec.serviceRef !== undefined) return inService(spec.serviceRef, namespace, world);
  return spec.nodeName === undefined
    ? onNodes(selectedNodes(spec.nodeSelector ?? {}, world.nodes()), 'Nodes have the labels')
    : onNodes(namedNode(spec.nodeName, world.node(spec.nodeName) !== undefined), 'The node exists');
};

/** The piece of a Service that is referred to, unless it may not be, or is not there. */
export const lookUpService = (ref: ServiceRef, kind: Kind, namespace: string, world: ServiceWorld): ResolvedPort => {
  const to = { kind: 'Service' as const, namespace: ref.namespace ?? namespace, name: ref.name };
  const reference = { from: { kind, namespace }, to };
  if (!permits(world.grants, reference)) {
    return { piece: null, problem: { reason: 'RefNotPermitted', message: notPermitted(reference) } };
  }
  return world.port(portAsked(`${to.namespace}/${to.name}`, ref.port));
};

const NOWHERE: ServerSource = {
  endpoints: [],
  guard: null,
  nodes: null,
  service: null,
  problems: [],
  refusals: [],
  found: '',
  total: 0,
};

const atAddress = (spec: RealServerSpec, given: string, namespace: string, world: SourceWorld): ServerSource => {
  const found = 'A fixed address';
  const isFree = world.mode === 'Standalone';
  const verdict: Verdict = isFree ? { ok: true, host: given } : world.judgeAddress(namespace, given);
  if (!verdict.ok) {
    const refusals: Problem[] = [{ reason: 'AddressNotAllowed', message: `address: ${verdict.why}` }];
    return { ...NOWHERE, refusals, found };
  }
  const address = verdict.host;
  const at = (app: string | null, port: number): EndpointSet => ({ app, endpoints: [{ address, port }] });
  const shared = spec.port === undefined ? [] : [at(null, spec.port)];
  const endpoints = [...shared, ...spec.ports.map(({ app, port }) => at(app, port))];
  const total = new Set(endpoints.flatMap((set) => set.endpoints.map((each) => each.port))).size;
  return { ...NOWHERE, endpoints, guard: isFree ? null : namespace, found, total };
};

const needsCluster = (spec: RealServerSpec): ServerSource => {
  const field = (['nodeName', 'nodeSelector', 'serviceRef'] as const).find((each) => spec[each] !== undefined);
  const message = `${field} needs a cluster; without one a RealServer has an address and a port`;
  return { ...NOWHERE, problems: [{ reason: 'NeedsCluster', message }] };
};

const onNodes = ({ nodes, problem }: NodesOf, found: string): ServerSource => ({
  ...NOWHERE,
  nodes,
  problems: problem === null ? [] : [problem],
  found,
  total: null,
});

const inService = (ref: ServiceRef, namespace: string, world: SourceWorld): ServerSource => {
  const { piece, problem } = lookUpService(ref, 'RealServer', namespace, world);
  if (piece === null) return { ...NOWHERE, problems: problem === null ? [] : [problem] };
  const endpoints = world.endpoints(piece)?.endpoints ?? [];
  const ready = endpoints.filter((each) => each.ready).length;
  return { ...NOWHERE, service: piece, found: `Service ${piece}`, total: ready > 0 ? ready : endpoints.length };
};
