/** Asks the tables that serve requests what they would do with one. Pure. */
import { parseRequest } from '../http/parse-request.ts';
import { RequestHead } from '../http/request-head.ts';
import { endpointsOfRow, type RowOfCells } from '../model/endpoints.ts';
import type { Listener, RealServerPiece, Rule, ServicePiece, Snapshot, VirtualServerPiece } from '../model/snapshot.ts';
import { HostTable } from '../router/host-table.ts';
import { RuleTable } from '../router/rule-table.ts';

export interface AskedRequest {
  readonly scheme: 'http' | 'https';
  readonly method: string;
  readonly authority: string;
  readonly host: string;
  readonly port: number;
  /** Path and query as on the request line. */
  readonly target: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

export interface RequestExplanation {
  readonly request: string;
  /** What happens, for people. */
  readonly outcome: string;
  /** Status of our own answer; null where the request goes to a destination. */
  readonly status: number | null;
  readonly virtualServer: string | null;
  readonly listener: { readonly address: string; readonly port: number; readonly name: string } | null;
  /** Null: the virtual server's own destinations. */
  readonly rule: { readonly name: string; readonly index: number; readonly of: number } | null;
  /** `column APP of matrix NS/NAME`, `the rule`, `the virtual server`. */
  readonly from: string | null;
  readonly choice: string | null;
  readonly destinations: readonly ExplainedDestination[];
  /** Rules that were not taken, with the parts of their match that do not hold. */
  readonly passedOver: readonly { readonly name: string; readonly because: readonly string[] }[];
}

export interface ExplainedDestination {
  readonly server: string;
  readonly endpoints: readonly string[];
  readonly weight: number;
  readonly quiesced: boolean;
  /** 0 … 1, over the destinations that are not quiesced. */
  readonly share: number;
}

const NOTHING = {
  virtualServer: null,
  listener: null,
  rule: null,
  from: null,
  choice: null,
  destinations: [],
  passedOver: [],
} as const;

export function explainRequest(snapshot: Snapshot, asked: AskedRequest): RequestExplanation {
  const request = `${asked.method} ${asked.scheme}://${asked.authority}${asked.target}`;
  const head = headOf(asked);
  if (head === null) {
    return { ...NOTHING, request, status: 400, outcome: 'refused as malformed: answered 400 or the like' };
  }
  const found = findVirtualServer(snapshot, asked, head);
  if (typeof found === 'string')
    return { ...NOTHING, request, status: found === NO_LISTENER ? null : 404, outcome: found };
  const { piece, listener } = found;
  if (listener.protocol === 'TCP') return explainConnection(snapshot, request, piece, listener);
  const table = new RuleTable(piece.rules);
  const index = table.match(head);
  const rule = index < 0 ? null : (piece.rules[index] ?? null);
  const passedOver = table
    .explain(piece.rules, head)
    .filter((each) => each.reasons.length > 0 && (index < 0 || each.index < index))
    .map(({ name, reasons }) => ({ name, because: reasons }));
  const row = rowOf(snapshot, piece, rule);
  const destinations = explained(snapshot, row);
  const hashed = index >= 0 && rule !== null && rule.match.hashGroup > 0 && table.hashGroup(index, head) !== -1;
  const { status, outcome } = outcomeOf(piece, rule, destinations);
  return {
    request,
    status,
    outcome,
    virtualServer: piece.key,
    listener: { address: listener.address, port: listener.port, name: listener.name },
    rule: rule === null ? null : { name: rule.name, index, of: piece.rules.length },
    from: destinations.length === 0 ? null : row.from,
    choice: status === null && destinations.length > 0 ? choiceOf(piece, rule, hashed) : null,
    destinations,
    passedOver,
  };
}

/** Nothing of the request counts: its connection has one destination. */
function explainConnection(
  snapshot: Snapshot,
  request: string,
  piece: VirtualServerPiece,
  listener: Listener,
): RequestExplanation {
  const destinations = explained(snapshot, rowOf(snapshot, piece, null));
  const isSent = destinations.some((each) => !each.quiesced);
  const { redirect } = piece;
  const elsewhere =
    redirect === null
      ? 'no destination takes new work: connections are reset'
      : `no destination takes new work: connections are sent to the redirect ${redirect.address}:${redirect.port}`;
  return {
    ...NOTHING,
    request,
    // on TCP there is nothing to answer with
    status: null,
    outcome: isSent ? 'not read: the port is TCP, each connection is sent to one of the destinations' : elsewhere,
    virtualServer: piece.key,
    listener: { address: listener.address, port: listener.port, name: listener.name },
    from: piece.servers.length === 0 ? null : 'the virtual server',
    choice: isSent ? choiceOf(piece, null, false) : null,
    destinations,
  };
}

const NO_LISTENER = 'nothing listens there';

function headOf({ method, authority, target, fields }: AskedRequest): RequestHead | null {
  const host = fields.some(({ name }) => name.toLowerCase() === 'host') ? [] : [{ name: 'Host', value: authority }];
  const lines = [...host, ...fields].map(({ name, value }) => `${name}: ${value}\r\n`).join('');
  const text = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`);
  const bytes = new Uint8Array(text.length + 1);
  bytes.set(text);
  const head = new RequestHead();
  return parseRequest(head, bytes, 0, text.length) > 0 ? head : null;
}

function findVirtualServer(
  snapshot: Snapshot,
  { scheme, port, host }: AskedRequest,
  head: RequestHead,
): { piece: VirtualServerPiece; listener: Listener } | string {
  const plain = host.replace(/^\[|\]$/g, '');
  const all = snapshot.pieces.flatMap((piece) =>
    piece.kind === 'VirtualServer' ? piece.listeners.map((listener) => ({ piece, listener })) : [],
  );
  const onPort = all.filter(({ listener }) => listener.port === port);
  if (onPort.length === 0) {
    const ports = [...new Set(all.map(({ listener }) => listener.port))].toSorted((a, b) => a - b);
    return ports.length === 0 ? NO_LISTENER : `nothing listens on port ${port}; there is ${ports.join(', ')}`;
  }
  // A URL that names an address of ours means that listener; any other host could reach each of them.
  const exact = onPort.filter(({ listener }) => listener.address === plain);
  const reached = exact.length > 0 ? exact : onPort;
  const protocol = scheme === 'https' ? 'HTTPS' : 'HTTP';
  const candidates = reached.filter(({ listener }) => listener.protocol === protocol);
  const byConnection = reached.find(({ listener }) => listener.protocol === 'TCP');
  if (candidates.length === 0 && byConnection !== undefined) return byConnection;
  if (candidates.length === 0) {
    const there = [...new Set(reached.map(({ listener }) => listener.protocol))].join(', ');
    return `port ${port} is not ${protocol}: there is ${there}`;
  }
  const table = new HostTable(
    candidates.flatMap((value) => value.listener.hosts.map((name) => ({ host: name, value }))),
  );
  return table.find(head.bytes, head.hostStart, head.hostEnd) ?? 'no virtual server has this host: answered 404 or 421';
}

function rowOf(snapshot: Snapshot, piece: VirtualServerPiece, rule: Rule | null): RowOfCells & { from: string } {
  const own = { app: null, column: null };
  if (rule === null) return { from: 'the virtual server', destinations: piece.servers, ...own };
  const { destinations } = rule;
  if (destinations.kind === 'Servers') return { from: 'the rule', destinations: destinations.servers, ...own };
  const { matrix, app } = destinations;
  const columns = snapshot.pieces.find((each) => each.kind === 'Matrix' && each.key === matrix);
  const column = columns?.kind === 'Matrix' ? columns.columns.find((each) => each.app === app) : undefined;
  const from = `column ${app} of matrix ${matrix}`;
  return { from, destinations: column?.cells ?? [], app, column: column ?? null };
}

function explained({ pieces }: Snapshot, row: RowOfCells): ExplainedDestination[] {
  const found = endpointsOfRow(row, {
    server: (key) => pieces.find((each): each is RealServerPiece => each.kind === 'RealServer' && each.key === key),
    service: (key) => pieces.find((each): each is ServicePiece => each.kind === 'Service' && each.key === key),
  });
  const rows = row.destinations.map(({ server, weight }, index) => {
    const cell = found[index]!;
    const endpoints = cell.endpoints.map(({ address, port }) =>
      address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    );
    const quiesced = weight === 0 || cell.server?.quiesced === true || endpoints.length === 0;
    return { server, endpoints, weight, quiesced };
  });
  const sum = rows.reduce((total, each) => total + (each.quiesced ? 0 : each.weight), 0);
  return rows.map((each) => ({ ...each, share: each.quiesced || sum === 0 ? 0 : each.weight / sum }));
}

function outcomeOf(
  piece: VirtualServerPiece,
  rule: Rule | null,
  destinations: readonly ExplainedDestination[],
): { status: number | null; outcome: string } {
  const redirect = rule?.filters.find((filter) => filter.type === 'Redirect');
  if (redirect?.type === 'Redirect') {
    return { status: redirect.status, outcome: `answered ${redirect.status} by the rule's filter Redirect` };
  }
  if (rule === null && destinations.length === 0) {
    return { status: 404, outcome: 'no rule takes it, and the virtual server has no destinations: answered 404' };
  }
  if (destinations.some((each) => !each.quiesced)) return { status: null, outcome: 'sent to one of the destinations' };
  if (piece.redirect === null) return { status: 503, outcome: 'no destination takes new work: answered 503' };
  const { address, port } = piece.redirect;
  return { status: null, outcome: `no destination takes new work: sent to the redirect ${address}:${port}` };
}

function choiceOf(piece: VirtualServerPiece, rule: Rule | null, hashed: boolean): string {
  if (piece.scheduler === 'wlc') return 'weighted least connections (smallest connections / weight)';
  if (hashed) return `by the text of group ${rule?.match.hashGroup} of the pattern (rendezvous hashing)`;
  const balance = {
    RoundRobin: 'weighted round robin, exact',
    LeastConnections: 'weighted least connections',
    PowerOfTwo: 'the better of two, by weight',
    PeakEwma: 'least latency, by weight',
  }[piece.balance];
  return piece.scheduler === 'chttp' ? `kept by session cookie; the first time: ${balance}` : balance;
}
