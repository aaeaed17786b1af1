/**
 * What a worker looks up: compiled from the plans when they arrive, only read while it serves. A change replaces what it
 * concerns; endpoints (their idle connections) and rows that did not change stay the objects they were.
 */
import type { RowPlan } from '../../model/plan.ts';
import type { Balance, Limits, Listener, ObjectKey, Protocol, QueueLimits } from '../../model/snapshot.ts';
import type { HostTable } from '../../router/host-table.ts';
import type { RuleTable } from '../../router/rule-table.ts';
import type { Chooser, HashChooser, LeastConnectionsRule } from '../../scheduler/chooser.ts';
import type { ExpectedTime } from '../../scheduler/expected-time.ts';
import type { Edits } from './edits.ts';
import type { Rate } from './rate.ts';
import type { TlsSite } from './tls-sites.ts';
import type { Endpoint } from './upstream.ts';

/** A row in its present epoch. */
export interface Row {
  readonly plan: RowPlan;
  /** In the order of `plan.endpoints`. */
  readonly endpoints: readonly Endpoint[];
  /** One per way to choose, made when first needed; hardly a row is chosen from in more than one. */
  choosers: RowChooser | null;
  hashed: HashChooser | null;
  /** Names of the endpoints in the cookies of chttp; made when first needed. */
  tokens: readonly string[] | null;
}

export interface RowChooser {
  readonly balance: Balance;
  readonly rule: LeastConnectionsRule;
  readonly chooser: Chooser;
  readonly next: RowChooser | null;
}

/** The place of a row: what refers to it holds the place, so that a new epoch reaches everybody at once. */
export interface RowPlace {
  readonly id: string;
  row: Row;
  /** How long answers take that somebody has to wait for; followed where a virtual server's queue has a deadline. */
  readonly expected: ExpectedTime;
}

/** A rule (or a virtual server's own destinations) as requests meet it. */
export interface Target {
  readonly name: string;
  readonly place: RowPlace;
  /** Slot of its counters. */
  readonly slot: number;
  /** Group of the pattern that chooses; 0 = none. */
  readonly hashGroup: number;
  /** The chooser of the row's present epoch, so that it need not be looked up: of `chooserRow`. */
  chooser: Chooser | null;
  chooserRow: Row | null;
  readonly edits: Edits | null;
  readonly rate: Rate | null;
  readonly mirrors: readonly { readonly place: RowPlace; readonly percent: number }[];
  readonly requestTimeout: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
  readonly attempts: number;
  readonly retryConnectFailure: boolean;
  readonly retryReset: boolean;
  /** Status codes that call for another try. */
  readonly retryOn: ReadonlySet<number>;
}

/** What its plan said, without the rules: those are in the table and the targets. */
export interface VirtualServer {
  readonly key: ObjectKey;
  /** Slot of its durations. */
  readonly slot: number;
  readonly listeners: readonly Listener[];
  readonly limits: Limits;
  /** Hash of the rules that the table was made of. */
  readonly rules: string;
  readonly table: RuleTable;
  readonly targets: readonly Target[];
  readonly fallback: Target | null;
  /** For TLS that is passed through: the rules that look at nothing but the host, in their order. */
  readonly byName: readonly { readonly hosts: readonly string[]; readonly target: Target }[];
  /** Where everything goes when no destination is available. */
  readonly redirect: RowPlace | null;
  readonly balance: Balance;
  readonly isWlc: boolean;
  readonly isSticky: boolean;
  readonly rate: Rate | null;
  /** Clients whose last request it took, and requests of it that wait, in this worker; the same object over all swaps. */
  readonly load: { clients: number; waiting: number };
  /** Null: none of its requests waits. `requests`: this worker's share. */
  readonly queue: QueueLimits | null;
  /** Its share of `limits.maxClients`; Infinity where that is unlimited. */
  readonly maxClients: number;
}

/** A listener over all swaps: its connections keep it, and see each new table from their next request on. */
export interface ListenerPlace {
  table: ListenerTable;
  /** Its connections in this worker. */
  clients: number;
}

/** What is behind one listening port. */
export interface ListenerTable {
  readonly key: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Connections begin with a PROXY protocol header. */
  readonly isPrefaced: boolean;
  readonly hosts: HostTable<VirtualServer>;
  /** The virtual server of a TCP listener. */
  readonly tcp: VirtualServer | null;
  /** Of an HTTPS listener. */
  readonly sites: TlsSites | null;
  /** Before a request has named its virtual server, the widest of its limits hold. */
  readonly headerBytes: number;
  readonly headTimeout: number;
  readonly keepAliveTimeout: number;
  readonly maxClients: number;
}

/** The virtual servers of one HTTPS listener. */
export interface TlsSites {
  readonly of: ReadonlyMap<VirtualServer, TlsSite>;
  /** For clients that ask for none of them by name. */
  readonly fallback: TlsSite | null;
  /** Some virtual server asks clients for certificates: requests are looked at. */
  readonly mutual: boolean;
}
