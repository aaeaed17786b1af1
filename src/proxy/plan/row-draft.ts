/** A row as it ought to be now: destinations resolved to endpoints, availability decided. Slots come later. */
import { endpointsOfRow, type FindPieces, type RowOfCells } from '../../model/endpoints.ts';
import { WARM, type RowPlan } from '../../model/plan.ts';
import type {
  Column,
  Destination,
  GuardedHostPort,
  HostPort,
  MatrixPiece,
  ObjectKey,
  RealServerPiece,
} from '../../model/snapshot.ts';
import type { Availability } from './memory.ts';
import { scaleWeights } from './warmth.ts';

export function draftRow(id: string, source: RowSource, world: World): RowDraft {
  if (source.kind === 'Address') return addressRow(id, source.endpoint, world);
  const row = resolveSource(source, world);
  const services = new Set<ObjectKey>();
  const cells: DraftCell[] = [];
  const endpoints: DraftEndpoint[] = [];
  endpointsOfRow(row, world).forEach(({ server, service, endpoints: found }, cell) => {
    const { server: key, weight, cap } = row.destinations[cell]!;
    const first = endpoints.length;
    if (service !== null) services.add(service);
    for (const { address, port } of found) {
      const identity = endpointIdentity({ ...server!, address, port });
      endpoints.push({
        identity,
        slot: world.slot(identity),
        server: key,
        cell,
        address,
        port,
        protocol: server!.protocol,
        tls: server!.tls,
        proxyProtocol: server!.proxyProtocol,
        guard: server!.guard,
        maxConnections: server!.maxConnections || world.maxConnections,
        maxPending: server!.maxPending,
        isAdaptive: server!.isAdaptive,
        quiesced: server!.quiesced,
        available: false,
        warmth: server!.slowStart === undefined ? WARM : world.availability.warmth(world.slot(identity)),
      });
    }
    const count = endpoints.length - first;
    cells.push({
      server: key,
      weight,
      scaled: weight,
      available: false,
      ...(cap === undefined ? {} : { cap }),
      first,
      count,
    });
  });
  const spared = decideAvailability(cells, endpoints, world.availability);
  scaleWeights(cells, endpoints);
  return {
    id,
    app: row.app,
    cells,
    endpoints,
    spared,
    services: services.size === 0 ? NO_SERVICES : [...services],
  };
}

/** Of thousands of rows outside of a cluster. */
const NO_SERVICES: readonly ObjectKey[] = [];

/** Where a row's destinations stand. */
export type RowSource =
  | { readonly kind: 'App'; readonly matrix: ObjectKey; readonly app: string }
  | { readonly kind: 'Servers'; readonly servers: readonly Destination[] }
  /** A virtual server's redirect: no real server, just where it is. */
  | { readonly kind: 'Address'; readonly endpoint: GuardedHostPort };

/** What a draft is made from. */
export interface World extends FindPieces {
  readonly matrix: (key: ObjectKey) => MatrixPiece | undefined;
  /** -1: the endpoint is new. */
  readonly slot: (identity: string) => number;
  readonly availability: Availability;
  /** Where the real server does not say. */
  readonly maxConnections: number;
}

export interface RowDraft {
  readonly id: string;
  readonly app: string | null;
  readonly cells: readonly DraftCell[];
  readonly endpoints: readonly DraftEndpoint[];
  /** Endpoints that are ejected, and yet stay, because half of the row is out already. */
  readonly spared: readonly string[];
  /** Service pieces that its endpoints come from. */
  readonly services: readonly ObjectKey[];
}

interface DraftCell {
  readonly server: ObjectKey;
  readonly weight: number;
  scaled: number;
  available: boolean;
  readonly cap?: number;
  readonly first: number;
  readonly count: number;
}

export interface DraftEndpoint {
  readonly identity: string;
  readonly slot: number;
  readonly server: ObjectKey;
  readonly cell: number;
  readonly address: string;
  readonly port: number;
  readonly protocol: RealServerPiece['protocol'];
  readonly tls: RealServerPiece['tls'];
  readonly proxyProtocol: RealServerPiece['proxyProtocol'];
  readonly guard: string | null;
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly isAdaptive: boolean;
  readonly quiesced: boolean;
  available: boolean;
  warmth: number;
}

/** One endpoint, whatever real servers name it. */
export function endpointIdentity(endpoint: EndpointTerms): string {
  const { protocol, address, port, tls, proxyProtocol, isAdaptive, guard } = endpoint;
  // What one namespace may connect to is not what another may.
  const place = `${protocol} ${address} ${port}${guard === null ? '' : ` ${guard}`}`;
  // connections that were made under other terms are not this one's
  const terms = tls === null ? place : `${place} ${JSON.stringify([tls.hostname, tls.ca, tls.clientCertificate])}`;
  // what was measured of it belongs to the one that is measured
  return `${terms}${proxyProtocol === null ? '' : ` PROXY ${proxyProtocol}`}${isAdaptive ? ' adaptive' : ''}`;
}

type EndpointTerms = HostPort & Pick<RealServerPiece, 'protocol' | 'tls' | 'proxyProtocol' | 'isAdaptive' | 'guard'>;

/** True: the workers' plan of the row says all that the draft says. */
export function sameRow(draft: RowDraft, plan: RowPlan): boolean {
  return (
    draft.app === plan.app &&
    draft.cells.length === plan.cells.length &&
    draft.endpoints.length === plan.endpoints.length &&
    draft.cells.every((cell, index) => {
      const other = plan.cells[index]!;
      return (
        cell.server === other.server &&
        cell.weight === other.weight &&
        cell.scaled === other.scaled &&
        cell.available === other.available &&
        cell.cap === other.cap &&
        cell.count === other.count
      );
    }) &&
    draft.endpoints.every((endpoint, index) => {
      const other = plan.endpoints[index]!;
      return (
        endpoint.slot === other.slot &&
        endpoint.available === other.available &&
        endpoint.warmth === other.warmth &&
        endpoint.maxConnections === other.maxConnections &&
        endpoint.maxPending === other.maxPending
      );
    })
  );
}

/** One cell, one endpoint, always available: what else is there is out already. */
function addressRow(id: string, { address, port, guard }: GuardedHostPort, world: World): RowDraft {
  const terms = { address, port, protocol: 'HTTP1', tls: null, proxyProtocol: null, isAdaptive: false, guard } as const;
  const identity = endpointIdentity(terms);
  const server = 'redirect';
  const endpoint: DraftEndpoint = {
    ...terms,
    identity,
    slot: world.slot(identity),
    server,
    cell: 0,
    maxConnections: world.maxConnections,
    maxPending: 0,
    quiesced: false,
    available: true,
    warmth: WARM,
  };
  const cells = [{ server, weight: 1, scaled: 1, available: true, first: 0, count: 1 }];
  return { id, app: null, cells, endpoints: [endpoint], spared: [], services: NO_SERVICES };
}

function resolveSource(source: Exclude<RowSource, { kind: 'Address' }>, world: World): RowOfCells {
  if (source.kind === 'Servers') return { destinations: source.servers, app: null, column: null };
  const matrix = world.matrix(source.matrix);
  const column = (matrix && columns(matrix).get(source.app)) ?? null;
  return { destinations: column?.cells ?? [], app: source.app, column };
}

/** Looked up once per row: with 5,000 apps a search through the list would cost more than the rest. */
const columnsOf = new WeakMap<MatrixPiece, ReadonlyMap<string, Column>>();

function columns(matrix: MatrixPiece): ReadonlyMap<string, Column> {
  let map = columnsOf.get(matrix);
  if (map === undefined) columnsOf.set(matrix, (map = new Map(matrix.columns.map((column) => [column.app, column]))));
  return map;
}

/**
 * Failed checks take out as many as they will; ejections at most half of the endpoints that could be chosen otherwise,
 * in the order in which they happened (an outlier is one that differs from the rest: if most of them fail, the failure is
 * elsewhere, and an empty row would help nobody). Returns who is spared by that.
 */
function decideAvailability(
  cells: readonly DraftCell[],
  endpoints: readonly DraftEndpoint[],
  availability: Availability,
): string[] {
  const eligible = new Set<string>();
  const ejected = new Map<string, number>();
  for (const endpoint of endpoints) {
    const { slot, identity } = endpoint;
    endpoint.available = !endpoint.quiesced && (slot < 0 || !availability.checkFailed(slot));
    const order = slot < 0 ? 0 : availability.ejected(slot);
    if (order > 0) ejected.set(identity, order);
    if (endpoint.available && cells[endpoint.cell]!.weight > 0) eligible.add(identity);
  }
  const spared: string[] = [];
  if (ejected.size > 0) {
    const out = new Set<string>();
    const most = Math.floor(eligible.size / 2);
    for (const [identity] of [...ejected].toSorted((a, b) => a[1] - b[1])) {
      if (!eligible.has(identity)) continue;
      if (out.size < most) out.add(identity);
      else spared.push(identity);
    }
    const kept = new Set(spared);
    for (const endpoint of endpoints) {
      if (ejected.has(endpoint.identity) && !kept.has(endpoint.identity)) endpoint.available = false;
    }
  }
  for (const endpoint of endpoints) if (endpoint.available) cells[endpoint.cell]!.available = true;
  return spared;
}
