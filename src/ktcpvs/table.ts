/**
 * The table as KTCPVS knows it: virtual servers with their servers and rules, in the words of its configuration file.
 * It is what the file says and what a listing shows; the objects are what is stored.
 */

export interface Table {
  readonly virtuals: readonly Virtual[];
}

/** Where something stands in a configuration file; both from 1, columns in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Name of a virtual server; printed as `name`, or as `namespace/name` where the namespace is not `default`. */
export interface Ident {
  readonly namespace: string;
  readonly name: string;
}

export interface HostPort {
  /** IP address, DNS name, or `*` (any address; only where something listens). */
  readonly host: string;
  readonly port: number;
}

/**
 * A real server as one names it: by host and port, or, where that does not say it (a cluster node, a Service, two objects
 * with the same address), by its object's name, written `@name`.
 */
export type ServerRef =
  | {
      readonly kind: 'Address';
      readonly host: string;
      readonly port: number;
      /** The object's own name, where reading `alias:port` finds the same real server again. */
      readonly alias?: string;
    }
  | { readonly kind: 'Object'; readonly name: string };

export interface Virtual {
  readonly ident: Ident;
  readonly listen: HostPort;
  readonly scheduler: string;
  /** null: the file does not say. */
  readonly started: boolean | null;
  readonly startServers: number | null;
  readonly maxClients: number | null;
  readonly minSpareServers: number | null;
  readonly maxSpareServers: number | null;
  readonly redirect: HostPort | null;
  readonly servers: readonly TableServer[];
  readonly rules: readonly TableRule[];
  /** What the syntax cannot say, one line each, shown as comments. */
  readonly remarks?: readonly string[];
  readonly at?: Position;
}

export interface TableServer {
  readonly ref: ServerRef;
  readonly weight: number;
  /** Only rules name it: it is not asked for what no rule takes (weight 0, which without this would mean quiesced). */
  readonly byRulesOnly?: boolean;
  readonly live?: Live;
  /** Requests in flight over all its endpoints. */
  readonly active?: number;
  readonly at?: Position;
}

export type TableRule = PatternRule | KeptRule;

export interface PatternRule {
  readonly kind: 'Pattern';
  readonly pattern: string;
  /** Group whose text is hashed; 0 = none. */
  readonly match: number;
  readonly destinations: readonly TableDestination[];
  /** The column that the destinations come from. */
  readonly column?: { readonly matrix: string; readonly app: string } | undefined;
  readonly at?: Position;
}

/** A rule that the syntax cannot say (hosts, headers, filters …): loading leaves it as it is, in this place. */
export interface KeptRule {
  readonly kind: 'Keep';
  readonly name: string;
  /** What it is, for people. */
  readonly remark?: string;
  /** The path that it matches, and where it leads: shown, not read. */
  readonly label?: string;
  readonly destinations?: readonly TableDestination[];
  readonly column?: PatternRule['column'];
  readonly at?: Position;
}

export interface TableDestination {
  readonly ref: ServerRef;
  /** null: the server's own. */
  readonly weight: number | null;
  readonly live?: Live;
  readonly at?: Position;
}

/** Live figures of one cell. */
export interface Live {
  /** First choices since start. */
  readonly requests: number;
  /** Shares: 0 … 1; by weight, over what is available, and as counted in the present epoch (null: none counted). */
  readonly asked: number;
  readonly askedAvailable: number;
  readonly delivered: number | null;
  readonly available: boolean;
  /** First choices per second, where two readings were taken. */
  readonly rate?: number;
  /** Most requests in flight at the cell, and those that are; absent: it has no cap. */
  readonly cap?: number;
  readonly inFlight?: number;
}

export const DEFAULT_NAMESPACE = 'default';
/** KTCPVS's own default. */
export const DEFAULT_PORT = 8080;
export const DEFAULT_SCHEDULER = 'http';
export const SCHEDULERS: readonly string[] = ['wlc', 'http', 'phttp', 'chttp', 'hhttp'];
export const MAX_WEIGHT = 65_535;
/** KTCPVS keeps ten groups. */
export const MAX_MATCH = 10;
/** The API's own bounds of startservers and the like, of maxclients, and of a pattern's length. */
export const MAX_PROCESSES = 65_535;
export const MAX_CLIENTS = 1_000_000;
export const MAX_PATTERN = 1024;

/** What a file may bring at most; `servers` and `rules` per virtual server are the API's own limits. */
export const LIMITS = {
  fileBytes: 8 * 1024 * 1024,
  tokenLength: 4096,
  virtuals: 4096,
  servers: 256,
  rules: 256,
  faults: 20,
} as const;

export function sameRef(a: ServerRef, b: ServerRef): boolean {
  return refKey(a) === refKey(b);
}

/** One string per real server as it is named. */
export function refKey(ref: ServerRef): string {
  return ref.kind === 'Object' ? `@${ref.name}` : `${ref.host} ${ref.port}`;
}
