/** The serving process' main thread: plans, accepts, hands over, watches, counts. It moves no byte of a request itself. */
import os from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';

import { collectBetween } from '../../memory/between.ts';
import { giveBack } from '../../memory/give-back.ts';
import type { PrefaceFailure } from '../../model/prefaces.ts';
import { sampledBy } from '../../model/samples.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Span } from '../../model/span.ts';
import { AddressGuard } from '../address-guard.ts';
import type { FromWorker, ProxySettings } from '../messages.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import { Planner } from '../plan/planner.ts';
import { PlanError } from '../plan/slots.ts';
import type { ListenerSource, Programmed, Serving } from '../serving-contract.ts';
import { allocateShared, MAX_WORKERS } from '../shared.ts';
import { CertificateDates } from './certificate-dates.ts';
import { Counts } from './counts.ts';
import { Credentials } from './credentials.ts';
import { maxConnections } from './descriptors.ts';
import { Health, type EndpointFacts } from './health.ts';
import { Levels } from './levels.ts';
import { Listeners, wantedListeners, type Wanted } from './listeners.ts';
import { RateLimitedLog, type Log } from './log.ts';
import { MainMemory } from './memory.ts';
import { Overload, type OverloadOptions } from './overload.ts';
import { Priors } from './priors.ts';
import { bounded, probeWith, PROBES_AT_ONCE, type Probe } from './probe.ts';
import { Reports } from './reports.ts';
import { Sampler } from './sampler.ts';
import { Schedules } from './schedules.ts';
import { SessionKeys } from './session-keys.ts';
import { Swaps } from './swaps.ts';
import { handshakeTotals, limitTotals, prefaceTotals, totalsOf } from './totals.ts';
import { type Patience, WorkerPool } from './worker-pool.ts';

/** Starts the workers; resolves when they are up, with nothing to serve yet. Rejects if none comes up. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const serving = new ServingProcess(options);
  try {
    await serving.start();
  } catch (error) {
    await serving.close();
    throw error;
  }
  return serving;
}

export interface ServingOptions {
  /** 1 … MAX_WORKERS; default: one per processor. */
  readonly workers?: number;
  readonly settings: ProxySettings;
  readonly listeners: ListenerSource;
  readonly log: Log;
  readonly workerUrl?: URL;
  readonly resourceLimits?: ResourceLimits;
  /** Client connections in all; default: from the descriptor limit. */
  readonly maxConnections?: number;
  readonly probe?: Probe;
  readonly patience?: Patience;
  /** Milliseconds for which slots of shared memory rest before they are used again. */
  readonly grace?: number;
  /** How much memory there is, and how much is in use; absent: nobody looks. */
  readonly memory?: OverloadOptions['read'];
  /** Timers of slow starts: calls after so many milliseconds, unless what it returns is called before. */
  readonly after?: (milliseconds: number, run: () => void) => () => void;
  /** Takes the spans of traced requests; `dropped`: how many a worker could not hand over. */
  readonly spans?: (spans: readonly Span[], dropped: number) => void;
  /** Whether requests in flight are looked at when all proxies do; default: no, it is the only one. */
  readonly samples?: boolean;
  /** Called once, when all is in force and memory was given back, before anybody is served. */
  readonly rehearse?: () => void;
}

/** Late writers (a request that ends under an epoch that is over) have this long. */
const GRACE = 10_000;
/** Scanners are always at it: so often (ms) the failures are summed up in the log. */
const HANDSHAKES_REPORTED = 10_000;
/** Milliseconds of counting in one go. */
const COUNTING = 1;
/** What is said of connections on listeners that want a PROXY protocol header; `untrusted` is a matter of settings. */
const NO_HEADER = 'connections closed for want of a PROXY protocol header';
const NOT_TRUSTED = 'connections closed: PROXY protocol is taken only from those that --trusted-proxies names';
/** While draining, the connections are counted this often (ms). */
const DRAIN_POLL = 25;

class ServingProcess implements Serving {
  readonly #log: Log;
  readonly #rare: RateLimitedLog;
  readonly #memory: MainMemory;
  readonly #planner: Planner;
  readonly #pool: WorkerPool;
  readonly #listeners: Listeners;
  readonly #health: Health;
  readonly #dates: CertificateDates;
  readonly #credentials: Credentials;
  readonly #guard: AddressGuard;
  readonly #sessionKeys: SessionKeys;
  readonly #counts: Counts;
  readonly #levels: Levels;
  readonly #sampler: Sampler;
  readonly #priors: Priors;
  readonly #swaps: Swaps;
  readonly #overload: Overload;
  readonly #reports: readonly Reports[];
  readonly #rehearse: () => void;
  readonly #collect = collectBetween();
  readonly #spans: ServingOptions['spans'];
  /** Id of the snapshot in force. */
  #snapshot: string | null = null;
  #wanted: readonly Wanted[] = [];
  #waiting: Waiting | null = null;
  #running = false;
  #draining = false;
  #closed = false;

  constructor(options: ServingOptions) {
    const workers = Math.min(MAX_WORKERS, Math.max(1, options.workers ?? os.availableParallelism()));
    const buffers = allocateShared(workers);
    const { settings, log } = options;
    const most = options.maxConnections ?? maxConnections(workers);
    this.#log = log;
    this.#spans = options.spans;
    this.#rehearse = options.rehearse ?? (() => undefined);
    this.#rare = new RateLimitedLog(log);
    this.#memory = new MainMemory(buffers, workers);
    this.#guard = new AddressGuard(settings.admin ?? null);
    this.#planner = new Planner({
      memory: this.#memory,
      schedule: new Schedules().of,
      grace: options.grace ?? GRACE,
      maxConnections: settings.maxConnections,
    });
    this.#dates = new CertificateDates(log);
    this.#credentials = new Credentials(this.#dates);
    this.#health = new Health({
      shared: this.#memory.state,
      log,
      probe: bounded(options.probe ?? probeWith(this.#credentials.contexts, this.#guard), PROBES_AT_ONCE),
      random: Math.random,
      after: options.after ?? afterThat,
      facts: (endpoint) => this.#facts(endpoint),
      changed: (slot) => this.#swaps.endpointChanged(slot),
    });
    this.#counts = new Counts(this.#planner, this.#memory, (slot) => this.#health.isSpared(slot));
    this.#priors = new Priors(this.#memory.state);
    this.#levels = new Levels(this.#planner, this.#memory);
    this.#sampler = new Sampler({
      rows: () => [...this.#planner.rows()].map(({ plan }) => plan),
      most: () => sampledBy(Atomics.load(this.#memory.state.replicas, 0)),
      inFlight: (slot) => this.#memory.inFlightOf(slot),
      answers: (slot) => this.#memory.answersOf(slot),
    });
    if (options.samples === true) this.#sampler.start();
    this.#sessionKeys = new SessionKeys(settings.ticketKeys, (keys) =>
      this.#pool.broadcast({ type: 'ticketKeys', keys }),
    );
    this.#pool = new WorkerPool({
      count: workers,
      ...(options.patience === undefined ? {} : { patience: options.patience }),
      memory: this.#memory,
      start: {
        url: options.workerUrl ?? defaultWorker(),
        buffers,
        settings: { ...settings, ticketKeys: this.#sessionKeys.keys },
        workers,
        ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
      },
      log,
      current: () => this.#swaps.full(),
      message: (message) => this.#hear(message),
    });
    this.#swaps = new Swaps({
      planner: this.#planner,
      pool: this.#pool,
      health: this.#health,
      priors: this.#priors,
      credentials: this.#credentials,
      guard: this.#guard,
      log,
    });
    this.#listeners = new Listeners({
      source: options.listeners,
      log,
      accept: (listener, socket) => this.#pool.hand(listener, socket),
      short: () => (this.#overload.isClosing ? 'memory' : this.#pool.connections >= most ? 'descriptors' : null),
      wanted: () => this.#wanted,
    });
    this.#overload = new Overload({ read: options.memory ?? (() => null), memory: this.#memory, log });
    this.#reports = [
      new Reports({
        read: () => limitTotals(this.#memory, this.#listeners.refused),
        say: (limit, hits) => log.warn({ limit, hits }, 'limit reached'),
        interval: 1000,
      }),
      new Reports({
        read: () => handshakeTotals(this.#memory),
        say: (reason, handshakes) => log.info({ reason, handshakes }, 'TLS handshakes with clients failed'),
        interval: HANDSHAKES_REPORTED,
      }),
      new Reports({
        read: () => prefaceTotals(this.#memory),
        say: (reason, connections) =>
          log.warn(
            { reason, connections },
            reason === ('untrusted' satisfies PrefaceFailure) ? NOT_TRUSTED : NO_HEADER,
          ),
        interval: HANDSHAKES_REPORTED,
      }),
    ];
  }

  start(): Promise<void> {
    return this.#pool.start();
  }

  configure(snapshot: Snapshot): Promise<Programmed> {
    const started = performance.now();
    return new Promise((resolve) => {
      // Whoever waits already is answered together with the later one, which wins.
      const answers = this.#waiting?.answers ?? [];
      answers.push((programmed) => resolve({ ...programmed, milliseconds: performance.now() - started }));
      this.#waiting = { snapshot, answers };
      if (!this.#running) void this.#work();
    });
  }

  counts() {
    return this.#counts.read();
  }

  countsInSlices() {
    return this.#counts.readInSlices(COUNTING);
  }

  takeLevels(rows: ReadonlySet<string>) {
    return this.#levels.takeInSlices(rows, COUNTING);
  }

  get samples() {
    return this.#sampler.windows;
  }

  totals() {
    return totalsOf({
      memory: this.#memory,
      virtualServers: this.#planner.full().virtualServers,
      endpoints: this.#planner.endpoints(),
      workers: this.#pool.members,
      refused: this.#listeners.refused,
      certificates: this.#dates.totals(),
      overload: this.#overload.totals(),
    });
  }

  get ready(): boolean {
    return this.#snapshot !== null && this.#pool.live && !this.#draining && !this.#closed;
  }

  setLogLevel(level: string): void {
    this.#pool.broadcast({ type: 'logLevel', level });
  }

  setCookieKeys(keys: readonly string[]): void {
    this.#pool.broadcast({ type: 'cookieKeys', keys });
  }

  setTicketKeys(keys: readonly string[]): void {
    this.#sessionKeys.set(keys);
  }

  setPriors(priors: ReadonlyMap<string, number>): void {
    this.#priors.set(priors);
  }

  setReplicas(count: number): void {
    Atomics.store(this.#memory.state.replicas, 0, count);
  }

  async drain(deadline: number, keepAccepting = 0): Promise<void> {
    const end = performance.now() + deadline;
    this.#draining = true;
    this.#log.info({ deadline, keepAccepting, connections: this.#pool.connections }, 'draining');
    this.#pool.broadcast({ type: 'drain' });
    if (keepAccepting > 0) await pause(Math.min(keepAccepting, deadline));
    // a supervisor that does not answer must not hold it up
    await Promise.race([this.#listeners.finish(), pause(end - performance.now())]);
    this.#listeners.close();
    while (this.#pool.connections > 0 && performance.now() < end && !this.#closed) await pause(DRAIN_POLL);
    this.#log.info({ connections: this.#pool.connections }, 'drained');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#swaps.close();
    this.#health.close();
    this.#sessionKeys.close();
    this.#listeners.close();
    this.#overload.close();
    this.#sampler.close();
    await this.#pool.close();
    this.#dates.close();
    for (const reports of this.#reports) reports.close();
  }

  async #work(): Promise<void> {
    this.#running = true;
    while (this.#waiting !== null) {
      const { snapshot, answers } = this.#waiting;
      this.#waiting = null;
      const programmed = await this.#program(snapshot);
      for (const answer of answers) answer(programmed);
    }
    this.#running = false;
    // whoever was answered goes first
    setImmediate(this.#collect);
  }

  async #program(snapshot: Snapshot): Promise<Omit<Programmed, 'milliseconds'>> {
    const wanted = wantedListeners(snapshot);
    const prepare = async () => {
      this.#wanted = wanted;
      if (!this.#draining) await this.#listeners.prepare(wanted);
    };
    try {
      await this.#swaps.swap(snapshot, prepare);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#log.error({ err: error, snapshot: snapshot.id }, 'snapshot refused');
      return { snapshot: this.#snapshot ?? '', listeners: this.#listeners.states(), error: error.message };
    }
    // Nobody is served yet, so nobody waits for it.
    if (this.#snapshot === null) {
      giveBack();
      this.#rehearse();
    }
    if (!this.#draining && !this.#closed) await this.#listeners.commit(wanted);
    this.#snapshot = snapshot.id;
    return { snapshot: snapshot.id, listeners: this.#listeners.states() };
  }

  #hear(message: Exclude<FromWorker, { type: 'configured' }>): void {
    if (message.type === 'suspect') this.#health.suspect(message.slot, message.reason);
    else if (message.type === 'cleared') this.#health.cleared(message.slot);
    else if (message.type === 'spans') this.#spans?.(message.spans, message.dropped);
    else if (message.type === 'fault')
      this.#rare.warn({ stack: message.stack }, 'a connection was given up for a fault');
  }

  #facts(endpoint: EndpointState): EndpointFacts {
    let check: EndpointFacts['check'] = null;
    let quiesced = true;
    let slowStart = 0;
    for (const key of [...endpoint.servers.keys()].toSorted()) {
      const server = this.#planner.server(key);
      check ??= server?.healthCheck ?? null;
      if (server?.quiesced !== true) quiesced = false;
      slowStart = Math.max(slowStart, server?.slowStart ?? 0);
    }
    return { check, quiesced, slowStart };
  }
}

interface Waiting {
  readonly snapshot: Snapshot;
  readonly answers: ((programmed: Omit<Programmed, 'milliseconds'>) => void)[];
}

/** Bundled, the worker stands beside as `.mjs`. */
function defaultWorker(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('../worker/worker.ts', import.meta.url)
    : new URL('worker.mjs', import.meta.url);
}

function afterThat(milliseconds: number, run: () => void): () => void {
  const timer = setTimeout(run, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
