/** The serving process' main thread: plans, accepts, hands over, watches, counts. It moves no byte of a request itself. */
import os from 'node:os';
import type { ResourceLimits } from 'node:worker_threads';

import type { Schedule } from '../../model/plan.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { buildSchedule } from '../../scheduler/schedule.ts';
import type { FromWorker, ProxySettings, ToWorker } from '../messages.ts';
import { listenerKey } from '../messages.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import { Planner, type PlanChange } from '../plan/planner.ts';
import { PlanError } from '../plan/slots.ts';
import type { ListenerSource, Programmed, Serving } from '../serving-contract.ts';
import { allocateShared, MAX_WORKERS } from '../shared.ts';
import { countsOf } from './counts.ts';
import { maxConnections } from './descriptors.ts';
import { Health, type EndpointFacts } from './health.ts';
import { Listeners, type Wanted } from './listeners.ts';
import { RateLimitedLog, type Log } from './log.ts';
import { MainMemory } from './memory.ts';
import { bounded, probe, PROBES_AT_ONCE, type Probe } from './probe.ts';
import { totalsOf } from './totals.ts';
import { WorkerPool } from './worker-pool.ts';

/** Starts the workers; resolves when they are up, with nothing to serve yet. Rejects if none comes up. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const serving = new ServingProcess(options);
  await serving.start();
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
  /** Milliseconds for which slots of shared memory rest before they are used again. */
  readonly grace?: number;
}

/** Late writers (a request that ends under an epoch that is over) have this long. */
const GRACE = 10_000;
/** While draining, the connections are counted this often (ms). */
const DRAIN_POLL = 25;

/** Milliseconds of planning after which the event loop has its turn: connections are to be accepted. */
const SLICE = 5;
/** About as many rows are planned anew within a slice, and as many go into one message to the workers. */
const ROWS_AT_ONCE = 200;
/** Milliseconds to wait at most for the acknowledgements of a slice before the next one. */
const PACE = 100;

class ServingProcess implements Serving {
  readonly #log: Log;
  readonly #rare: RateLimitedLog;
  readonly #memory: MainMemory;
  readonly #planner: Planner;
  readonly #pool: WorkerPool;
  readonly #listeners: Listeners;
  readonly #health: Health;
  #generation = 0;
  /** Id of the snapshot in force. */
  #snapshot: string | null = null;
  #wanted: readonly Wanted[] = [];
  #waiting: Waiting | null = null;
  #running = false;
  /** A snapshot is being planned and told: nothing else may be planned, or an older plan would follow a newer one. */
  #planning: Promise<void> | null = null;
  /** Rows in which the availability of an endpoint changed. */
  readonly #changedRows = new Set<string>();
  #replanning = false;
  #draining = false;
  #closed = false;

  constructor(options: ServingOptions) {
    const workers = Math.min(MAX_WORKERS, Math.max(1, options.workers ?? os.availableParallelism()));
    const buffers = allocateShared(workers);
    const { settings, log } = options;
    const most = options.maxConnections ?? maxConnections(workers);
    this.#log = log;
    this.#rare = new RateLimitedLog(log);
    this.#memory = new MainMemory(buffers, workers);
    this.#planner = new Planner({
      memory: this.#memory,
      schedule: sharedSchedule,
      grace: options.grace ?? GRACE,
      maxConnections: settings.maxConnections,
    });
    this.#health = new Health({
      shared: this.#memory.state,
      log,
      probe: bounded(options.probe ?? probe, PROBES_AT_ONCE),
      random: Math.random,
      facts: (endpoint) => this.#facts(endpoint),
      changed: (slot) => this.#endpointChanged(slot),
    });
    this.#pool = new WorkerPool({
      count: workers,
      memory: this.#memory,
      start: {
        url: options.workerUrl ?? defaultWorker(),
        buffers,
        settings,
        workers,
        ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
      },
      log,
      current: () => this.#full(),
      message: (message) => this.#hear(message),
    });
    this.#listeners = new Listeners({
      source: options.listeners,
      log,
      accept: (listener, socket) => this.#pool.hand(listener, socket),
      full: () => this.#pool.connections >= most,
      wanted: () => this.#wanted,
    });
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
    return countsOf(this.#planner, this.#memory);
  }

  totals() {
    return totalsOf({
      memory: this.#memory,
      virtualServers: this.#planner.full().virtualServers,
      workers: this.#pool.members,
      refused: this.#listeners.refused,
    });
  }

  get ready(): boolean {
    return this.#snapshot !== null && this.#pool.live && !this.#draining && !this.#closed;
  }

  setLogLevel(level: string): void {
    this.#pool.broadcast({ type: 'logLevel', level });
  }

  async drain(deadline: number, keepAccepting = 0): Promise<void> {
    const end = performance.now() + deadline;
    this.#draining = true;
    this.#log.info({ deadline, keepAccepting, connections: this.#pool.connections }, 'draining');
    this.#pool.broadcast({ type: 'drain' });
    if (keepAccepting > 0) await pause(Math.min(keepAccepting, deadline));
    this.#listeners.close();
    while (this.#pool.connections > 0 && performance.now() < end && !this.#closed) await pause(DRAIN_POLL);
    this.#log.info({ connections: this.#pool.connections }, 'drained');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#health.close();
    this.#listeners.close();
    await this.#pool.close();
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
  }

  async #program(snapshot: Snapshot): Promise<Omit<Programmed, 'milliseconds'>> {
    const planned = Promise.withResolvers<void>();
    this.#planning = planned.promise;
    try {
      const change = await this.#plan(snapshot);
      this.#wanted = wantedListeners(snapshot);
      const prepared = this.#draining ? null : this.#listeners.prepare(this.#wanted);
      await Promise.all([this.#publish(change), prepared]);
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      this.#log.error({ err: error, snapshot: snapshot.id }, 'snapshot refused');
      return { snapshot: this.#snapshot ?? '', listeners: this.#listeners.states(), error: error.message };
    } finally {
      this.#planning = null;
      planned.resolve();
    }
    if (!this.#draining && !this.#closed) await this.#listeners.commit(this.#wanted);
    this.#snapshot = snapshot.id;
    return { snapshot: snapshot.id, listeners: this.#listeners.states() };
  }

  async #plan(snapshot: Snapshot): Promise<PlanChange> {
    const steps = this.#planner.steps(snapshot, this.#health, performance.now());
    for (;;) {
      const end = performance.now() + SLICE;
      while (performance.now() < end) {
        const step = steps.next();
        if (step.done === true) return step.value;
      }
      await turn();
    }
  }

  /** Tells the workers; the old slots rest once all have acknowledged. */
  async #publish(change: PlanChange): Promise<void> {
    for (const slot of change.removedEndpoints) this.#health.remove(slot);
    // Before the rows: whoever comes back must be choosable when its new epoch begins.
    for (const endpoint of change.endpoints) this.#health.update(endpoint);
    const { early, virtualServers, removedVirtualServers, rows, removedRows } = change;
    // Acknowledged one by one, so that between two of them the workers have time for requests.
    const most = this.#snapshot === null ? early.length : ROWS_AT_ONCE;
    for (let at = 0; at < early.length; at += most) await this.#tell({ rows: early.slice(at, at + most) });
    if (virtualServers.length + removedVirtualServers.length + rows.length + removedRows.length > 0) {
      await this.#tell({ virtualServers, removedVirtualServers, rows, removedRows });
    }
    change.retire(performance.now());
  }

  #tell(change: Partial<Configure>): Promise<void> {
    return this.#pool.configure({ ...NO_CHANGE, ...change, generation: ++this.#generation });
  }

  #full(): Configure {
    return { ...NO_CHANGE, ...this.#planner.full(), generation: this.#generation };
  }

  #hear(message: Exclude<FromWorker, { type: 'configured' }>): void {
    if (message.type === 'suspect') this.#health.suspect(message.slot, message.reason);
    else if (message.type === 'cleared') this.#health.cleared(message.slot);
    else if (message.type === 'fault')
      this.#rare.warn({ stack: message.stack }, 'a connection was given up for a fault');
  }

  #facts(endpoint: EndpointState): EndpointFacts {
    let check: EndpointFacts['check'] = null;
    let quiesced = true;
    for (const key of [...endpoint.servers.keys()].toSorted()) {
      const server = this.#planner.server(key);
      check ??= server?.healthCheck ?? null;
      if (server?.quiesced !== true) quiesced = false;
    }
    return { check, quiesced };
  }

  #endpointChanged(slot: number): void {
    for (const id of this.#planner.endpoint(slot)?.rows.keys() ?? []) this.#changedRows.add(id);
    // What changes in the same turn makes one epoch.
    if (!this.#replanning) void this.#replan();
  }

  /** New epochs, slice by slice: a host may be in thousands of rows, and each row is a swap of its own. */
  async #replan(): Promise<void> {
    this.#replanning = true;
    while (this.#changedRows.size > 0) {
      await (this.#planning ?? turn());
      if (this.#closed) return;
      if (this.#planning !== null) continue;
      const rows = [...this.#changedRows].slice(0, ROWS_AT_ONCE);
      try {
        const change = this.#planner.replan(rows, this.#health, performance.now());
        for (const id of rows) this.#changedRows.delete(id);
        // A worker that stalls must not keep the others from their new epochs.
        await Promise.race([this.#publish(change), pause(PACE)]);
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        this.#log.error({ err: error }, 'no slots for new epochs; trying again');
        await pause(1000);
      }
    }
    this.#replanning = false;
  }
}

/** Short tables are copied to each worker: shared memory is had by the page only. */
const SHARED_FROM = 4096;

function sharedSchedule(weights: readonly number[]): Schedule {
  return buildSchedule(weights, (bytes) =>
    bytes < SHARED_FROM ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes),
  );
}

type Configure = Extract<ToWorker, { type: 'configure' }>;

const NO_CHANGE: Configure = {
  type: 'configure',
  generation: 0,
  virtualServers: [],
  removedVirtualServers: [],
  rows: [],
  removedRows: [],
};

interface Waiting {
  readonly snapshot: Snapshot;
  readonly answers: ((programmed: Omit<Programmed, 'milliseconds'>) => void)[];
}

function wantedListeners(snapshot: Snapshot): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const piece of snapshot.pieces) {
    if (piece.kind !== 'VirtualServer') continue;
    for (const { address, port, protocol } of piece.listeners) {
      const served = protocol === 'HTTP' || protocol === 'TCP';
      const refusal = served ? null : `protocol ${protocol} is not served by this version`;
      const key = listenerKey(address, port);
      if (wanted.get(key)?.refusal !== null) wanted.set(key, { address, port, refusal });
    }
  }
  return [...wanted.values()];
}

/** Bundled, the worker stands beside as `.mjs`. */
function defaultWorker(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('../worker/worker.ts', import.meta.url)
    : new URL('worker.mjs', import.meta.url);
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
