/** What the main thread and a worker say to each other. */
import type { Socket } from 'node:net';

import type { RowPlan } from '../model/plan.ts';
import type {
  AuthorityPiece,
  CertificatePiece,
  HostPort,
  ObjectKey,
  PolicyPiece,
  VirtualServerPiece,
} from '../model/snapshot.ts';
import type { Span } from '../model/span.ts';
import type { SharedBuffers } from './shared.ts';

/** Settings of the installation: the same for all virtual servers. */
export interface ProxySettings {
  /** Networks (CIDR) whose X-Forwarded-* and Forwarded are believed. */
  readonly trustedProxies: readonly string[];
  /** Keys that sign the cookies of chttp, hex: the first signs, all verify. */
  readonly cookieKeys: readonly string[];
  /** Keys that encrypt TLS session tickets (see tls/ticket-keys.ts): the first encrypts, all decrypt; none: the proxy's own. */
  readonly ticketKeys: readonly string[];
  /** Share of requests in the access log, 0 … 1; 0 = off. */
  readonly accessLog: number;
  /** Absent: traces are passed on as they come. */
  readonly tracing?: TracingSettings | null;
  readonly logLevel: string;
  /** Requests in flight over connections of one endpoint where a real server does not say. */
  readonly maxConnections: number;
  /** Where the admin API of this process listens: no endpoint may be there, whoever names it. Absent: nowhere. */
  readonly admin?: HostPort | null;
}

export interface TracingSettings {
  /** Share of the traces that begin with us and are recorded, 0 … 1; of strangers' traces too. */
  readonly share: number;
  /** Whether spans of ours go anywhere: if not, we take no place in a trace that there is. */
  readonly exports: boolean;
}

export interface WorkerData {
  readonly index: number;
  /** How many workers there are: limits of a virtual server are divided among them. */
  readonly workers: number;
  readonly buffers: SharedBuffers;
  readonly settings: ProxySettings;
}

/** A virtual server as a worker gets it: its piece, and where its counters and rows are. */
export interface VirtualServerPlan {
  readonly piece: VirtualServerPiece;
  /** Slot of its durations. */
  readonly slot: number;
  /** For each rule, in the piece's order: the id of its row, and the slot of its counters. */
  readonly rules: readonly { readonly row: string; readonly slot: number }[];
  /** Row and counters of the virtual server's own destinations; null where it has none. */
  readonly fallback: { readonly row: string; readonly slot: number } | null;
  /** Row of the address that everything goes to when no destination is available; null where there is none. */
  readonly redirect: string | null;
  /** Mirrors: real server → its row. */
  readonly mirrors: readonly { readonly server: ObjectKey; readonly row: string }[];
}

/** Certificates and authorities that are new or others than before, and keys of those that nothing uses any more. */
export interface CredentialsChange {
  readonly certificates: readonly CertificatePiece[];
  readonly authorities: readonly AuthorityPiece[];
  readonly removedCertificates: readonly ObjectKey[];
  readonly removedAuthorities: readonly ObjectKey[];
}

export const NO_CREDENTIALS: CredentialsChange = {
  certificates: [],
  authorities: [],
  removedCertificates: [],
  removedAuthorities: [],
};

export const hasCredentials = (change: CredentialsChange): boolean =>
  Object.values(change).some((list) => list.length > 0);

export type ToWorker =
  | {
      /** One swap: everything in it takes effect together. */
      readonly type: 'configure';
      readonly generation: number;
      readonly virtualServers: readonly VirtualServerPlan[];
      readonly removedVirtualServers: readonly ObjectKey[];
      readonly rows: readonly RowPlan[];
      readonly removedRows: readonly string[];
      readonly credentials: CredentialsChange;
      /** From now on; absent: as before. */
      readonly policy?: PolicyPiece | null;
      /** A whole configuration is told: memory that taking it in needed is given back before it is acknowledged. */
      readonly whole?: true;
    }
  /** A connection accepted on `port` (the key of a listener: see `listenerKey`). */
  | { readonly type: 'connection'; readonly listener: string; readonly socket: Socket }
  /** Answer with `Connection: close`, close idle connections, report when none is left. */
  | { readonly type: 'drain' }
  | { readonly type: 'logLevel'; readonly level: string }
  /** As ProxySettings.cookieKeys and .ticketKeys, from now on. */
  | { readonly type: 'cookieKeys' | 'ticketKeys'; readonly keys: readonly string[] };

export type FromWorker =
  /** Answer to `configure`. */
  | { readonly type: 'configured'; readonly generation: number }
  /** An endpoint refused a connection, or broke one without an answer: the main thread decides. */
  | {
      readonly type: 'suspect';
      readonly slot: number;
      readonly reason: 'refused' | 'unreachable' | 'forbidden' | 'timeout' | 'tls' | 'untrusted' | 'no_http2' | 'reset';
    }
  /** An endpoint that was suspected answered. */
  | { readonly type: 'cleared'; readonly slot: number }
  | { readonly type: 'drained' }
  /** Requests that are over, of those that are traced; `dropped`: so many more would have been too much at once. */
  | { readonly type: 'spans'; readonly spans: readonly Span[]; readonly dropped: number }
  /** A fault of ours was caught: one connection was given up for it. `stack` says where it was. */
  | { readonly type: 'fault'; readonly stack: string };

/** Virtual servers of the same address and port share one listener. */
export function listenerKey(address: string, port: number): string {
  return `${address} ${port}`;
}
