/** From plans to tables: what a worker does with a `configure` message. All of it takes effect together. */
import { hashText } from '../../model/content.ts';
import type { EndpointPlan, RowPlan } from '../../model/plan.ts';
import type { Listener, ObjectKey, QueueLimits, RateLimit, Rule, Timeouts } from '../../model/snapshot.ts';
import { HostTable } from '../../router/host-table.ts';
import { RuleTable } from '../../router/rule-table.ts';
import { ExpectedTime } from '../../scheduler/expected-time.ts';
import type { AddressGuard } from '../address-guard.ts';
import { listenerKey, type ToWorker, type VirtualServerPlan } from '../messages.ts';
import { ServerContexts } from '../server-contexts.ts';
import type { SharedState } from '../shared.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { Credentials } from './credentials.ts';
import { compileEdits } from './edits.ts';
import { EndpointTls } from './endpoint-tls.ts';
import { Rate } from './rate.ts';
import { StreamPool } from './stream-pool.ts';
import type { ListenerPlace, ListenerTable, Row, RowPlace, Target, TlsSites, VirtualServer } from './tables.ts';
import type { TicketKeys } from './ticket-keys.ts';
import { TlsSite } from './tls-sites.ts';
import type { Endpoint } from './upstream.ts';

type Configure = Extract<ToWorker, { type: 'configure' }>;

export class Tables {
  readonly #workers: number;
  readonly #endpoints = new Map<number, Endpoint>();
  readonly #rows = new Map<string, RowPlace>();
  readonly #virtualServers = new Map<ObjectKey, VirtualServer>();
  readonly #listeners = new Map<string, ListenerPlace>();
  readonly #credentials = new Credentials();
  readonly #serverContexts = new ServerContexts(this.#credentials);
  readonly #tickets: TicketKeys;
  readonly #guard: AddressGuard;
  readonly #shared: SharedState;
  /** By what they are made from: they outlive the tables. */
  #sites = new Map<string, TlsSite>();

  /** `workers`: among how many a virtual server's limits are divided. */
  constructor(workers: number, tickets: TicketKeys, guard: AddressGuard, shared: SharedState) {
    this.#shared = shared;
    this.#guard = guard;
    this.#workers = workers;
    this.#tickets = tickets;
  }

  listener(key: string): ListenerPlace {
    let place = this.#listeners.get(key);
    if (place === undefined) this.#listeners.set(key, (place = { table: emptyTable(key), clients: 0 }));
    return place;
  }

  /** Some virtual server chooses by latency. */
  get usesLatency(): boolean {
    return [...this.#virtualServers.values()].some((virtualServer) => virtualServer.balance === 'PeakEwma');
  }

  configure(message: Configure): void {
    if (message.policy !== undefined && this.#guard.set(message.policy)) this.#dropGuarded();
    const renewed = this.#credentials.update(message.credentials);
    if (renewed) this.#renewEndpoints();
    const lists = new Map<RowPlan['endpoints'], readonly Endpoint[]>();
    const left = new Set<Endpoint>();
    for (const plan of message.rows) this.#setRow(plan, lists, left);
    for (const key of message.removedVirtualServers) this.#virtualServers.delete(key);
    for (const plan of message.virtualServers) {
      const before = this.#virtualServers.get(plan.piece.key);
      this.#virtualServers.set(plan.piece.key, this.#compile(plan, before));
    }
    for (const id of message.removedRows) {
      this.#leave(this.#rows.get(id)?.row, left);
      this.#rows.delete(id);
    }
    if (renewed || message.virtualServers.length > 0 || message.removedVirtualServers.length > 0)
      this.#rebuildListeners();
    for (const endpoint of left) if (endpoint.rows === 0) this.#drop(endpoint);
  }

  /** `lists`: what rows of one message share in their plans they share here. */
  #setRow(plan: RowPlan, lists: Map<RowPlan['endpoints'], readonly Endpoint[]>, left: Set<Endpoint>): void {
    let endpoints = lists.get(plan.endpoints);
    endpoints ??= plan.endpoints.map((endpoint) => this.#endpoint(endpoint));
    lists.set(plan.endpoints, endpoints);
    for (const endpoint of endpoints) endpoint.rows++;
    const row: Row = {
      plan,
      endpoints,
      choosers: null,
      hashed: null,
      tokens: null,
    };
    const place = this.#rows.get(plan.id);
    if (place === undefined) this.#rows.set(plan.id, { id: plan.id, row, expected: new ExpectedTime() });
    else {
      this.#leave(place.row, left);
      place.row = row;
    }
  }

  /** `left`: endpoints that may have no row any more. */
  #leave(row: Row | undefined, left: Set<Endpoint>): void {
    for (const endpoint of row?.endpoints ?? []) if (--endpoint.rows === 0) left.add(endpoint);
  }

  #endpoint(plan: EndpointPlan): Endpoint {
    const known = this.#endpoints.get(plan.slot);
    if (known !== undefined && isSameEndpoint(known.plan, plan)) {
      known.plan = plan;
      known.adaptive?.setMost(plan.maxConnections);
      return known;
    }
    if (known !== undefined) endConnections(known);
    const tls = plan.tls === null ? null : new EndpointTls(plan.tls, plan.protocol, this.#serverContexts);
    const endpoint: Endpoint = {
      slot: plan.slot,
      plan,
      tls,
      idle: [],
      streams: plan.protocol === 'H2C' || plan.protocol === 'H2' ? new StreamPool(() => endpoint) : null,
      adaptive: plan.isAdaptive ? new AdaptiveLimit(this.#shared, plan.slot, plan.maxConnections) : null,
      rows: 0,
      suspected: false,
      reportedAt: -Infinity,
    };
    this.#endpoints.set(plan.slot, endpoint);
    return endpoint;
  }

  /** Connections that were made under another policy are not used again. */
  #dropGuarded(): void {
    for (const endpoint of this.#endpoints.values()) if (endpoint.plan.guard !== null) endConnections(endpoint);
  }

  /** Connections that were made with other certificates or authorities are not used again. */
  #renewEndpoints(): void {
    this.#serverContexts.clear();
    for (const endpoint of this.#endpoints.values()) if (endpoint.tls?.renew() === true) endConnections(endpoint);
  }

  #place(id: string): RowPlace {
    const place = this.#rows.get(id);
    if (place === undefined) throw new Error(`row '${id}' is used and was never planned`);
    return place;
  }

  #compile(plan: VirtualServerPlan, before: VirtualServer | undefined): VirtualServer {
    const { piece } = plan;
    const rules = hashText(JSON.stringify(piece.rules));
    const targets = piece.rules.map((rule, index) => this.#target(plan, rule, plan.rules[index]!));
    const { maxClients } = piece.limits;
    const isPassed = piece.listeners.some(({ protocol }) => protocol === 'TLS');
    return {
      key: piece.key,
      slot: plan.slot,
      listeners: piece.listeners,
      limits: piece.limits,
      rules,
      table: before?.rules === rules ? before.table : new RuleTable(piece.rules),
      targets,
      fallback: plan.fallback === null ? null : this.#target(plan, null, plan.fallback),
      byName: isPassed ? piece.rules.flatMap((rule, index) => byName(rule, targets[index]!)) : [],
      redirect: plan.redirect === null ? null : this.#place(plan.redirect),
      balance: piece.balance,
      isWlc: piece.scheduler === 'wlc',
      isSticky: piece.scheduler === 'chttp',
      rate: this.#rate(piece.rateLimit, this.#shared.virtualServerDue, plan.slot),
      load: before?.load ?? { clients: 0, waiting: 0 },
      queue: piece.queue === undefined ? null : this.#share(piece.queue),
      maxClients: maxClients === 0 ? Infinity : Math.ceil(maxClients / this.#workers),
    };
  }

  #target(plan: VirtualServerPlan, rule: Rule | null, { row, slot }: { row: string; slot: number }): Target {
    const timeouts = rule?.timeouts ?? DEFAULT_TIMEOUTS;
    const on = rule?.retry.on ?? ['ConnectFailure', 'Reset'];
    const path = rule?.match.path ?? null;
    const mirrors = (rule?.filters ?? []).flatMap((filter) => {
      const mirrored = plan.mirrors.find((entry) => filter.type === 'Mirror' && entry.server === filter.server);
      return filter.type === 'Mirror' && mirrored !== undefined
        ? [{ place: this.#place(mirrored.row), percent: filter.percent }]
        : [];
    });
    return {
      name: rule?.name ?? '',
      place: this.#place(row),
      slot,
      hashGroup: plan.piece.scheduler === 'hhttp' ? (rule?.match.hashGroup ?? 0) : 0,
      chooser: null,
      chooserRow: null,
      edits: compileEdits(rule?.filters ?? [], path?.type === 'Prefix' ? path.value : ''),
      rate: this.#rate(rule?.rateLimit ?? null, this.#shared.ruleDue, slot),
      mirrors: mirrors.length === 0 ? NO_MIRRORS : mirrors,
      requestTimeout: timeouts.request,
      connectTimeout: timeouts.connect,
      idleTimeout: timeouts.idle,
      attempts: rule?.retry.attempts ?? 1,
      retryConnectFailure: on.includes('ConnectFailure'),
      retryReset: on.includes('Reset'),
      retryOn: statusesOf(on),
    };
  }

  #share(queue: QueueLimits): QueueLimits {
    return { ...queue, requests: Math.ceil(queue.requests / this.#workers) };
  }

  #rate(limit: RateLimit | null, due: BigInt64Array, slot: number): Rate | null {
    return limit === null ? null : new Rate(limit, due, slot, this.#shared.replicas);
  }

  #rebuildListeners(): void {
    const groups = new Map<string, ListenerEntry[]>();
    const sites = new Map<string, TlsSite>();
    for (const virtualServer of this.#virtualServers.values()) {
      for (const listener of virtualServer.listeners) {
        const key = listenerKey(listener.address, listener.port);
        const entries = groups.get(key) ?? [];
        groups.set(key, entries);
        const hosts = listener.protocol === 'TCP' ? ['*'] : listener.hosts;
        for (const host of hosts) entries.push({ host, value: virtualServer, listener });
      }
    }
    for (const [key, place] of this.#listeners) if (!groups.has(key)) place.table = emptyTable(key);
    for (const [key, entries] of groups) {
      const limits = entries.map((entry) => entry.value.limits);
      const widest = (pick: (limit: (typeof limits)[number]) => number, zero: number) =>
        Math.max(...limits.map((limit) => pick(limit) || zero));
      this.listener(key).table = {
        key,
        port: entries[0]?.listener.port ?? 0,
        protocol: entries[0]?.listener.protocol ?? 'HTTP',
        isPrefaced: entries[0]?.listener.proxyProtocol === 'Accept',
        hosts: new HostTable(entries.filter(({ listener }) => listener.protocol !== 'TCP')),
        tcp: entries.find(({ listener }) => listener.protocol === 'TCP')?.value ?? null,
        sites: this.#sitesOf(entries, sites),
        headerBytes: Math.min(
          widest((limit) => limit.headerBytes, MAX_HEAD),
          MAX_HEAD,
        ),
        headTimeout: widest((limit) => limit.headTimeout, 10_000),
        keepAliveTimeout: widest((limit) => limit.keepAliveTimeout, 75_000),
        maxClients: Math.ceil(widest((limit) => limit.maxClients, Infinity) / this.#workers),
      };
    }
    this.#sites = sites;
  }

  /** The virtual servers that terminate TLS there; the sites that are as they were stay, with all that they have made. */
  #sitesOf(entries: readonly ListenerEntry[], used: Map<string, TlsSite>): TlsSites | null {
    const of = new Map<VirtualServer, TlsSite>();
    for (const { value, listener } of entries) {
      if (listener.tls === null || of.has(value)) continue;
      const identity = TlsSite.identity(listener.tls, this.#credentials);
      let site = used.get(identity) ?? this.#sites.get(identity);
      site ??= new TlsSite(listener.tls, this.#credentials, this.#tickets);
      used.set(identity, site);
      of.set(value, site);
    }
    if (of.size === 0) return null;
    // deterministic, so that all workers and replicas show the same
    const [first] = [...of].toSorted(([a], [b]) => (a.key < b.key ? -1 : 1));
    return { of, fallback: first![1], mutual: [...of.values()].some(({ authority }) => authority !== '') };
  }

  /** No row has it any more: its idle connections end; what is under way finishes. */
  #drop(endpoint: Endpoint): void {
    if (this.#endpoints.get(endpoint.slot) === endpoint) this.#endpoints.delete(endpoint.slot);
    endConnections(endpoint);
  }
}

/** What is idle ends; what is under way finishes. */
function endConnections(endpoint: Endpoint): void {
  for (const upstream of endpoint.idle.slice()) upstream.destroy();
  endpoint.streams?.retire();
}

/** A host on a listening port, and who has won it. */
interface ListenerEntry {
  readonly host: string;
  readonly value: VirtualServer;
  readonly listener: Listener;
}

function isSameEndpoint(a: EndpointPlan, b: EndpointPlan): boolean {
  return (
    a.address === b.address &&
    a.port === b.port &&
    a.protocol === b.protocol &&
    a.guard === b.guard &&
    a.proxyProtocol === b.proxyProtocol &&
    a.isAdaptive === b.isAdaptive &&
    JSON.stringify(a.tls) === JSON.stringify(b.tls)
  );
}

/** The rule as TLS that is passed through can use it: it must look at nothing but the host. */
function byName({ match }: Rule, target: Target): VirtualServer['byName'] {
  const isByName =
    match.path === null && match.methods.length === 0 && match.headers.length === 0 && match.query.length === 0;
  return isByName ? [{ hosts: match.hosts, target }] : [];
}

const NO_MIRRORS: Target['mirrors'] = [];

/** A virtual server's own destinations, as api.md has them. */
const DEFAULT_TIMEOUTS: Timeouts = { request: 60_000, connect: 1000, idle: 180_000 };
/** Longer heads than this are refused whatever a virtual server allows: scratch areas are made for it. */
const MAX_HEAD = 65_536;

/** Thousands of rules have the same few. */
const statuses = new Map<string, ReadonlySet<number>>();

function statusesOf(on: readonly string[]): ReadonlySet<number> {
  const numbers = on.map(Number).filter((status) => status > 0);
  const key = numbers.join();
  let known = statuses.get(key);
  if (known === undefined) statuses.set(key, (known = new Set(numbers)));
  return known;
}

function emptyTable(key: string): ListenerTable {
  return {
    key,
    port: 0,
    protocol: 'HTTP',
    isPrefaced: false,
    hosts: new HostTable<VirtualServer>([]),
    tcp: null,
    sites: null,
    headerBytes: 16_384,
    headTimeout: 10_000,
    keepAliveTimeout: 75_000,
    maxClients: Infinity,
  };
}
