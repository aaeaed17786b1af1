/**
 * A snapshot: everything a proxy needs, immutable, defaults applied, in pieces that are each named by their content.
 * Plain data only (it crosses threads and the network); maps of it are arrays, so that its serialisation is canonical.
 */

import type { AddressRule, ClusterNetworks } from './address-policy.ts';

/** `namespace/name` of an object. */
export type ObjectKey = string;

export interface Snapshot {
  /** Hash over the ids and hashes of all pieces: equal ids mean equal content. */
  readonly id: string;
  /** In order of kind, then key. */
  readonly pieces: readonly Piece[];
}

export type Piece =
  | AuthorityPiece
  | CertificatePiece
  | MatrixPiece
  | PolicyPiece
  | RealServerPiece
  | ServicePiece
  | VirtualServerPiece;

interface PieceBase {
  readonly key: ObjectKey;
  /** Hash of the piece's content without this field. */
  readonly hash: string;
}

// ---- virtual servers

export interface VirtualServerPiece extends PieceBase {
  readonly kind: 'VirtualServer';
  readonly listeners: readonly Listener[];
  readonly scheduler: SchedulerName;
  readonly balance: Balance;
  /** What no rule takes goes here; empty: answered 404. */
  readonly servers: readonly Destination[];
  /** In the order in which they are tried: the catch-alls are last already. */
  readonly rules: readonly Rule[];
  /** Where everything goes when no destination is available. */
  readonly redirect: GuardedHostPort | null;
  /** Of all its requests together (connections, with wlc); null: none. */
  readonly rateLimit: RateLimit | null;
  /** Absent: none waits. */
  readonly queue?: QueueLimits;
  readonly limits: Limits;
}

export type SchedulerName = 'wlc' | 'http' | 'phttp' | 'chttp' | 'hhttp';
export type Balance = 'RoundRobin' | 'LeastConnections' | 'PowerOfTwo' | 'PeakEwma';
export type Protocol = 'HTTP' | 'HTTPS' | 'TCP' | 'TLS';

export interface Listener {
  readonly name: string;
  /** Numeric address to bind; `::` takes IPv6 and IPv4. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly proxyProtocol: 'None' | 'Accept';
  /** For HTTPS; null for all others. */
  readonly tls: ListenerTls | null;
  /**
   * The hosts that this virtual server has won here, lower case: `shop.example`, `*.shop.example`, and `*` for "no host
   * given". On an address and port no host is claimed twice, and no two addresses of a port take each other's
   * connections (`::` beside `127.0.0.1`): translate has settled who wins.
   */
  readonly hosts: readonly string[];
}

export interface ListenerTls {
  /**
   * Certificate pieces, never none; chosen by SNI, the first one where none fits. On a shared listener they are for this
   * virtual server's hosts: who may name a host in a certificate is not thereby who has the host.
   */
  readonly certificates: readonly ObjectKey[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Authority pieces that clients' certificates must be signed by; none: clients are not asked for one. */
  readonly clientCa: readonly ObjectKey[];
}

export interface HostPort {
  /** IP address or DNS name. */
  readonly address: string;
  readonly port: number;
}

export interface GuardedHostPort extends HostPort {
  /** Namespace by whose policy (see PolicyPiece) the proxy judges the address before it connects; null: it does not. */
  readonly guard: string | null;
}

/** A real server as a rule may use it. */
export interface Destination {
  readonly server: ObjectKey;
  /** 0…65535; 0 = quiesced. */
  readonly weight: number;
  /** Of a cell: most requests in flight there, over all proxies; absent: none but the server's own limits. */
  readonly cap?: number;
}

export interface Rule {
  readonly name: string;
  readonly match: Match;
  readonly destinations: RuleDestinations;
  readonly filters: readonly Filter[];
  readonly timeouts: Timeouts;
  readonly retry: Retry;
  /** Null: none. */
  readonly rateLimit: RateLimit | null;
}

/** Of requests that wait for a server to have room. */
export interface QueueLimits {
  /** Most at once, in each proxy; above 0. */
  readonly requests: number;
  /** Milliseconds that one waits at most. */
  readonly timeout: number;
  /** Milliseconds for which clients wait for an answer, from when they ask; absent: nobody knows. */
  readonly deadline?: number;
}

/** Over all proxies together. */
export interface RateLimit {
  /** Requests in `per` milliseconds, and how many may come at once; none of them 0. */
  readonly requests: number;
  readonly per: number;
  readonly burst: number;
}

/** A rule's destinations stand in a column of a matrix, or in the rule itself. */
export type RuleDestinations =
  | { readonly kind: 'App'; readonly matrix: ObjectKey; readonly app: string }
  | { readonly kind: 'Servers'; readonly servers: readonly Destination[] };

/** All that is given must hold; an empty list or null holds always. */
export interface Match {
  /** Lower case; exact or `*.suffix`. */
  readonly hosts: readonly string[];
  readonly path: PathMatch | null;
  /** Case-sensitive. */
  readonly methods: readonly string[];
  /** Names in lower case. */
  readonly headers: readonly ValueMatch[];
  readonly query: readonly ValueMatch[];
  /** Group of a Pattern whose text chooses the destination (scheduler hhttp); 0 = none. */
  readonly hashGroup: number;
}

/** Exact | Prefix (whole segments) | Regex (whole path, RE2 syntax) | Pattern (POSIX ERE, searched). */
export interface PathMatch {
  readonly type: 'Exact' | 'Prefix' | 'Regex' | 'Pattern';
  readonly value: string;
}

export interface ValueMatch {
  readonly name: string;
  readonly type: 'Exact' | 'Regex' | 'Present';
  readonly value: string;
}

export type Filter =
  | { readonly type: 'Rewrite'; readonly host: string | null; readonly path: PathRewrite | null }
  | {
      readonly type: 'Redirect';
      readonly scheme: 'http' | 'https' | null;
      readonly host: string | null;
      readonly port: number | null;
      readonly path: PathRewrite | null;
      readonly status: 301 | 302 | 303 | 307 | 308;
    }
  | {
      readonly type: 'RequestHeaders' | 'ResponseHeaders';
      readonly set: readonly Field[];
      readonly add: readonly Field[];
      readonly remove: readonly string[];
    }
  | { readonly type: 'Mirror'; readonly server: ObjectKey; /** 0…100 */ readonly percent: number };

export interface Field {
  readonly name: string;
  readonly value: string;
}

/** Full replaces the whole path; Prefix replaces what the rule's Prefix matched. */
export interface PathRewrite {
  readonly type: 'Full' | 'Prefix';
  readonly value: string;
}

/** Milliseconds, none of them 0. */
export interface Timeouts {
  /** From the request's last byte to the head of the answer. */
  readonly request: number;
  readonly connect: number;
  /** Without a byte either way while an answer streams or a tunnel is open. */
  readonly idle: number;
}

export interface Retry {
  /** Attempts beyond the first one. */
  readonly attempts: number;
  readonly on: readonly RetryOn[];
}

/** `ConnectFailure`, `Reset` (closed without an answer), or a status code. */
export type RetryOn = 'ConnectFailure' | 'Reset' | `${number}`;

/** Bytes, counts and milliseconds; for sizes and counts 0 means unlimited. */
export interface Limits {
  readonly maxClients: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly requestsPerConnection: number;
  /** Idle time of a client connection between two requests. */
  readonly keepAliveTimeout: number;
  /** For the whole head. */
  readonly headTimeout: number;
  /** Longest time without a byte of a request's body. */
  readonly readTimeout: number;
  /** Longest time in which the peer takes none of what waits to be written. */
  readonly writeTimeout: number;
}

// ---- matrices

export interface MatrixPiece extends PieceBase {
  readonly kind: 'Matrix';
  /** In the order of the object's apps. */
  readonly columns: readonly Column[];
}

export interface Column {
  readonly app: string;
  /** Service piece that has the app's endpoints on nodes: what cells of node servers are served by; null: none. */
  readonly service: ObjectKey | null;
  /** One destination per row that has a cell for the app, in the order of the object's rows. */
  readonly cells: readonly Destination[];
}

// ---- real servers

export interface RealServerPiece extends PieceBase {
  readonly kind: 'RealServer';
  /** Takes no new work, whatever the weights say. */
  readonly quiesced: boolean;
  /** Per endpoint; 0 = the proxy's own default. */
  readonly maxConnections: number;
  /** Of these, those that wait for a connection to be made; 0 = as many as there are. */
  readonly maxPending: number;
  /** Below maxConnections, a limit of requests at once is found by measuring. */
  readonly isAdaptive: boolean;
  /** Milliseconds in which an endpoint that becomes available comes to its whole share; absent: at once. */
  readonly slowStart?: number;
  readonly healthCheck: HealthCheck | null;
  readonly protocol: ServerProtocol;
  /** For HTTPS and H2; null for the others. */
  readonly tls: ServerTls | null;
  /** Version of the PROXY protocol header that connections begin with; null: they have none. Never with H2C and H2. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** At fixed addresses; the set of app null serves every app that has none of its own. */
  readonly endpoints: readonly EndpointSet[];
  /** For fixed addresses, as `GuardedHostPort.guard`. */
  readonly guard: string | null;
  /** Of a node server: its nodes. It has the endpoints there of the column's Service. Null: no node server. */
  readonly nodes: readonly string[] | null;
  /** Service piece all of whose endpoints serve every app; null: none. */
  readonly service: ObjectKey | null;
}

/**
 * How a server is spoken to: HTTP/1.1 or (by prior knowledge) HTTP/2 in plain text; HTTP/1.1 or (agreed on by ALPN, or not at
 * all) HTTP/2 through TLS.
 */
export type ServerProtocol = 'HTTP1' | 'H2C' | 'HTTPS' | 'H2';

export type ProxyProtocol = 'V1' | 'V2';

export interface ServerTls {
  /** Name that the server's certificate must have; null: its address. */
  readonly hostname: string | null;
  /** Authority pieces that sign it; null: the system's. None of them: nothing can be trusted, and no connection is made. */
  readonly ca: readonly ObjectKey[] | null;
  /** Certificate piece to show; null: none. */
  readonly clientCertificate: ObjectKey | null;
}

export interface EndpointSet {
  readonly app: string | null;
  readonly endpoints: readonly HostPort[];
}

export interface HealthCheck {
  readonly path: string;
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  /** Consecutive successes that bring an endpoint back, consecutive failures that take it out. */
  readonly healthy: number;
  readonly unhealthy: number;
}

// ---- Services of a cluster

/** One port of a Service: `key` is `namespace/name:port`. */
export interface ServicePiece extends PieceBase {
  readonly kind: 'Service';
  /** By address and port. */
  readonly endpoints: readonly ServiceEndpoint[];
}

export interface ServiceEndpoint extends HostPort {
  /** Where it runs; null: not known. */
  readonly node: string | null;
  /** False: it terminates, but still serves: for rows that have nothing else. */
  readonly ready: boolean;
}

// ---- policy

/** One per snapshot of a cluster: what addresses found by DNS are judged by. Without it nothing that is guarded is reached. */
export interface PolicyPiece extends PieceBase {
  readonly kind: 'Policy';
  readonly rules: readonly AddressRule[];
  /** Without `proxy`, which only the proxy itself knows. */
  readonly networks: Omit<ClusterNetworks, 'proxy'>;
}

// ---- certificates

/**
 * A certificate and its private key, under the key of the Secret that holds them (or of the files, which no Secret's key
 * can be). The only pieces that are secret: they are in no dump, see redact.ts.
 */
export interface CertificatePiece extends PieceBase {
  readonly kind: 'Certificate';
  /** The chain, the leaf first, PEM. */
  readonly certificate: string;
  /** PEM, without a passphrase. */
  readonly privateKey: string;
}

/** Certificates that sign others: ca.crt of a Secret. */
export interface AuthorityPiece extends PieceBase {
  readonly kind: 'Authority';
  /** PEM. */
  readonly certificates: string;
}
