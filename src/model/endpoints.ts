/**
 * Which endpoints a row has: per cell, a real server's own, those of its Service, or those of the column's Service on its
 * nodes.
 */
import type {
  Column,
  Destination,
  EndpointSet,
  HostPort,
  ObjectKey,
  RealServerPiece,
  ServiceEndpoint,
  ServicePiece,
} from './snapshot.ts';

export interface RowOfCells {
  readonly destinations: readonly Destination[];
  /** null where the destinations are in no column. */
  readonly app: string | null;
  readonly column: Column | null;
}

export interface CellEndpoints {
  /** undefined: there is no such real server. */
  readonly server: RealServerPiece | undefined;
  readonly endpoints: readonly HostPort[];
  /** Service piece that they come from; null: from none. */
  readonly service: ObjectKey | null;
}

/** Per destination, in order. */
export const endpointsOfRow = (row: RowOfCells, find: FindPieces): CellEndpoints[] => {
  const all = row.destinations.map(({ server: key }) => {
    const server = find.server(key);
    const service = server === undefined ? null : serviceOf(server, row.column);
    return { server, service, endpoints: server === undefined ? NONE : endpointsOf(server, service, row.app, find) };
  });
  // What terminates serves where the row has nothing else: a request is better off there than refused.
  const hasReady = all.some(
    ({ server, endpoints }, index) =>
      row.destinations[index]!.weight > 0 && server?.quiesced === false && endpoints.some(isReady),
  );
  return hasReady ? all.map((cell) => ({ ...cell, endpoints: cell.endpoints.filter(isReady) })) : all;
};

export interface FindPieces {
  readonly server: (key: ObjectKey) => RealServerPiece | undefined;
  readonly service: (key: ObjectKey) => ServicePiece | undefined;
}

const serviceOf = (server: RealServerPiece, column: Column | null): ObjectKey | null =>
  server.nodes === null ? server.service : (column?.service ?? null);

const endpointsOf = (
  server: RealServerPiece,
  service: ObjectKey | null,
  app: string | null,
  find: FindPieces,
): readonly (HostPort | ServiceEndpoint)[] => {
  const { nodes } = server;
  if (nodes === null && server.service === null) {
    const sets = setsOf(server);
    return (sets.get(app) ?? sets.get(null))?.endpoints ?? NONE;
  }
  const piece = service === null ? undefined : find.service(service);
  if (piece === undefined) return NONE;
  if (nodes === null) return piece.endpoints;
  const there = byNode(piece);
  return nodes.length === 1 ? (there.get(nodes[0]!) ?? NONE) : nodes.flatMap((node) => there.get(node) ?? []);
};

const isReady = (endpoint: HostPort | ServiceEndpoint): boolean => !('ready' in endpoint) || endpoint.ready;

const NONE: readonly never[] = [];

/** Looked up once per cell: with thousands of apps or nodes, a search through the list would cost more than the rest. */
const setsBy = new WeakMap<RealServerPiece, ReadonlyMap<string | null, EndpointSet>>();
const nodesBy = new WeakMap<ServicePiece, ReadonlyMap<string, readonly ServiceEndpoint[]>>();

const setsOf = (server: RealServerPiece): ReadonlyMap<string | null, EndpointSet> => {
  let map = setsBy.get(server);
  if (map === undefined) setsBy.set(server, (map = new Map(server.endpoints.map((set) => [set.app, set]))));
  return map;
};

const byNode = (service: ServicePiece): ReadonlyMap<string, readonly ServiceEndpoint[]> => {
  const known = nodesBy.get(service);
  if (known !== undefined) return known;
  const map = new Map<string, ServiceEndpoint[]>();
  for (const endpoint of service.endpoints) {
    if (endpoint.node === null) continue;
    const list = map.get(endpoint.node);
    if (list === undefined) map.set(endpoint.node, [endpoint]);
    else list.push(endpoint);
  }
  nodesBy.set(service, map);
  return map;
};
