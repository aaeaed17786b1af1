/**
 * The proxy as its owner sees it: give it snapshots, ask what it counted, drain it. The owner (standalone, or the
 * `proxy` command in a cluster) runs in the serving process' main thread.
 */
import type { MemoryUse } from '../memory/bounds.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { HandshakeFailure } from '../model/handshakes.ts';
import type { CellLevels } from '../model/levels.ts';
import type { SampledWindow } from '../model/samples.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { LimitName } from './shared.ts';

export interface Serving {
  /**
   * Serve this snapshot. Resolves when every worker has acknowledged it. Never rejects for what stands in the snapshot:
   * what could not be done (a port that is taken) is in the answer. Calls queue; a later one wins over those that wait.
   */
  configure(snapshot: Snapshot): Promise<Programmed>;
  /** Shares and live counts. What is as it was before is the same object (===). */
  counts(): CountsDocument;
  /** The same in slices, between which connections are accepted and snapshots swapped. */
  countsInSlices(): Promise<CountsDocument>;
  /**
   * For how long how many requests were in flight at the cells of these rows, since it was asked before: for one caller, who
   * waits for one call before the next. In the order of the rows; cells at which nothing came or went are left out.
   */
  takeLevels(rows: ReadonlySet<string>): Promise<readonly CellLevels[]>;
  /** The last windows that are over, oldest first; none, where nobody is to ask for them (ServingOptions.samples). */
  readonly samples: readonly SampledWindow[];
  /** Sums over all workers, for the metrics. */
  totals(): Totals;
  /** Has served its first snapshot, has a live worker, is not draining. */
  readonly ready: boolean;
  setLogLevel(level: string): void;
  /** As ProxySettings.cookieKeys: for what is signed and verified from now on. */
  setCookieKeys(keys: readonly string[]): void;
  /** As ProxySettings.ticketKeys, at run time: no connection is closed. Errors: RangeError for what is no key. */
  setTicketKeys(keys: readonly string[]): void;
  /**
   * By row id and server, with a line break between: what the adaptive limit of an endpoint there begins with. For
   * endpoints that come after the call.
   */
  setPriors(priors: ReadonlyMap<string, number>): void;
  /** How many proxies, this one among them, share the rate limits; default 1. */
  setReplicas(count: number): void;
  /**
   * Answers with `Connection: close`, lets what runs finish, at most `deadline` ms; new connections are still accepted
   * for the first `keepAccepting` ms (default 0).
   */
  drain(deadline: number, keepAccepting?: number): Promise<void>;
  /** Ends workers and listeners at once. */
  close(): Promise<void>;
}

export interface Programmed {
  readonly snapshot: string;
  readonly listeners: readonly ListenerState[];
  /** From the call to the last acknowledgement. */
  readonly milliseconds: number;
  /** Why nothing was changed: the snapshot asks for more than the proxy can hold. Then `snapshot` is the one before. */
  readonly error?: string;
}

export interface ListenerState {
  readonly address: string;
  readonly port: number;
  /** null = listening; else why not, for people. */
  readonly error: string | null;
}

export interface Totals {
  readonly requests: number;
  readonly connectionsAccepted: number;
  readonly connectionsActive: number;
  readonly upstreamConnections: number;
  readonly upstreamActive: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly retries: number;
  readonly queue: QueueTotals;
  /** Streams to servers that speak HTTP/2, and connections to them that ended because the server broke its rules. */
  readonly upstreamStreams: number;
  readonly upstreamFaults: number;
  readonly limits: Readonly<Record<LimitName, number>>;
  /** By reason word. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Connections closed for want of a PROXY protocol header, by PREFACE_FAILURES. */
  readonly prefaceFailures: Readonly<Record<string, number>>;
  readonly overload: OverloadTotals;
  readonly tls: TlsTotals;
  readonly http2: Http2Totals;
  readonly rules: readonly RuleTotals[];
  readonly durations: readonly DurationTotals[];
  /** Of endpoints whose real servers ask for it. */
  readonly concurrencyLimits: readonly ConcurrencyLimit[];
  readonly workers: readonly { readonly index: number; readonly restarts: number; readonly alive: boolean }[];
}

/** Requests that wait for a server to have room; those that have waited, and for how many seconds together. */
export interface QueueTotals {
  readonly waiting: number;
  readonly waited: number;
  readonly seconds: number;
}

export interface OverloadTotals {
  /** Bytes; null: no limit is known. */
  readonly memory: MemoryUse | null;
  /** What is done about memory that is short: one of MEMORY_STEP. */
  readonly step: number;
  /** Workers whose event loop is late, and which refuse new requests for it. */
  readonly lateWorkers: number;
}

export interface ConcurrencyLimit {
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** Most requests at once, as measured. */
  readonly limit: number;
}

export interface TlsTotals {
  /** Handshakes of clients: full ones, and those that resumed a session. */
  readonly handshakes: number;
  readonly resumptions: number;
  readonly failures: Readonly<Record<HandshakeFailure, number>>;
  /** Answers of TLS servers whose end only the end of the connection told: one that was cut off looks the same. */
  readonly unframedAnswers: number;
  readonly certificates: readonly CertificateTotals[];
}

export interface Http2Totals {
  /** Of clients that speak HTTP/2, those that ended by an error, and their streams. */
  readonly connections: number;
  readonly failures: number;
  readonly streams: number;
}

export interface CertificateTotals {
  /** As in the snapshot. */
  readonly key: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
}

export interface RuleTotals {
  readonly virtualServer: string;
  /** Rule name; null = the virtual server's own destinations. */
  readonly rule: string | null;
  /** App of the rule's column; null where it has none. */
  readonly app: string | null;
  /** Answers by class: none, 1xx … 5xx. */
  readonly classes: readonly number[];
  readonly seconds: number;
}

export interface DurationTotals {
  readonly virtualServer: string;
  /** Bucket i: requests that took less than 2^i microseconds (and not less than 2^(i-1)). */
  readonly buckets: readonly number[];
}

/** Where listening sockets come from: the supervisor's descriptors, or this process itself (tests, embedding). */
export interface ListenerSource {
  /** A bound handle for `server.listen(handle)`; rejects with a message for people (address in use, not permitted …). */
  open(address: string, port: number): Promise<object>;
  /**
   * No longer needed by any configuration. Resolves when nobody but the caller, or another serving process, has it: what
   * waits in its backlog then is the caller's to accept.
   */
  release(address: string, port: number): Promise<void>;
}
