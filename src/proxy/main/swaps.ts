/** Swaps: from a snapshot, or from what became of an endpoint, to plans that all workers have. */
import type { PolicyPiece, Snapshot } from '../../model/snapshot.ts';
import { finish, Slices, turn } from '../../slices/slices.ts';
import type { AddressGuard } from '../address-guard.ts';
import { NO_CREDENTIALS, type ToWorker } from '../messages.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import type { PlanChange, Planner } from '../plan/planner.ts';
import { PlanError } from '../plan/slots.ts';
import type { Credentials } from './credentials.ts';
import type { Health } from './health.ts';
import type { Log } from './log.ts';
import type { Priors } from './priors.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Milliseconds of planning in one go. */
const SLICE = 5;
/** About as many rows are planned anew within a slice, and as many go into one message to the workers. */
const ROWS_AT_ONCE = 200;
/** Milliseconds to wait at most for the acknowledgements of a slice before the next one. */
const PACE = 100;

export class Swaps {
  readonly #planner: Planner;
  readonly #pool: Pick<WorkerPool, 'configure'>;
  readonly #health: Health;
  readonly #priors: Pick<Priors, 'apply'>;
  readonly #credentials: Credentials;
  readonly #guard: AddressGuard;
  readonly #log: Log;
  #generation = 0;
  /** A snapshot is being planned and told: nothing else may be planned, or an older plan would follow a newer one. */
  #planning: Promise<void> | null = null;
  /** Rows in which the availability of an endpoint changed. */
  readonly #changedRows = new Set<string>();
  #replanning = false;
  #closed = false;

  constructor(options: SwapsOptions) {
    this.#planner = options.planner;
    this.#pool = options.pool;
    this.#health = options.health;
    this.#priors = options.priors;
    this.#credentials = options.credentials;
    this.#guard = options.guard;
    this.#log = options.log;
  }

  /**
   * Resolves when all workers have acknowledged the snapshot, and `prepare` (begun once it is planned) is done; rejects
   * with a PlanError, nothing changed, if it cannot be planned. One at a time.
   */
  async swap(snapshot: Snapshot, prepare: () => Promise<void>): Promise<void> {
    const planned = Promise.withResolvers<void>();
    this.#planning = planned.promise;
    try {
      const change = await this.#plan(snapshot);
      const barred = await new Slices(SLICE).all(this.#updateHealth(change));
      const { added, removed } = this.#credentials.update(snapshot);
      const policy = this.#guard.set(policyOf(snapshot)) ? { policy: this.#guard.piece } : {};
      if (added !== null || 'policy' in policy) await this.#tell({ credentials: added ?? NO_CREDENTIALS, ...policy });
      await Promise.all([this.#publish(change, barred), prepare()]);
      if (removed !== null) await this.#tell({ credentials: removed });
      this.#health.begun();
    } finally {
      this.#planning = null;
      planned.resolve();
    }
  }

  /** Its availability is not what it was: new epochs for the rows that use it. */
  endpointChanged(slot: number): void {
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
        const barred = finish(this.#updateHealth(change));
        for (const id of rows) this.#changedRows.delete(id);
        // A worker that stalls must not keep the others from their new epochs.
        await Promise.race([this.#publish(change, barred), pause(PACE)]);
      } catch (error) {
        if (!(error instanceof PlanError)) throw error;
        this.#log.error({ err: error }, 'no slots for new epochs; trying again');
        await pause(1000);
      }
    }
    this.#replanning = false;
  }

  close(): void {
    this.#closed = true;
  }

  #plan(snapshot: Snapshot): Promise<PlanChange> {
    return new Slices(SLICE).all(this.#planner.steps(snapshot, this.#health, performance.now()));
  }

  /** Before the rows are told. @returns who is out once they are in force */
  *#updateHealth({ endpoints, removedEndpoints }: PlanChange): Generator<void, Barred[]> {
    const barred: Barred[] = [];
    for (const slot of removedEndpoints) this.#health.remove(slot);
    for (const endpoint of endpoints) {
      this.#priors.apply(endpoint);
      const bits = this.#health.update(endpoint);
      if (bits !== 0) barred.push({ endpoint, bits });
      yield;
    }
    return barred;
  }

  /** Tells the workers; once all have acknowledged, who is out is out, and the old slots rest. */
  async #publish(change: PlanChange, barred: readonly Barred[]): Promise<void> {
    const { early, virtualServers, removedVirtualServers, rows, removedRows } = change;
    // Acknowledged one by one, so that between two of them the workers have time for requests.
    const first = this.#generation === 0;
    const most = first ? early.length : ROWS_AT_ONCE;
    for (let at = 0; at < early.length; at += most) await this.#tell({ rows: early.slice(at, at + most) });
    if (virtualServers.length + removedVirtualServers.length + rows.length + removedRows.length > 0) {
      const all = { virtualServers, removedVirtualServers, rows, removedRows };
      await this.#tell(first ? { ...all, whole: true } : all);
    }
    for (const { endpoint, bits } of barred) this.#health.bar(endpoint, bits);
    change.retire(performance.now());
  }

  #tell(change: Partial<Configure>): Promise<void> {
    return this.#pool.configure({ ...NO_CHANGE, ...change, generation: ++this.#generation });
  }

  /** All there is, for a worker that has nothing yet. */
  full(): Configure {
    const credentials = this.#credentials.full();
    const all = { ...NO_CHANGE, ...this.#planner.full(), credentials, policy: this.#guard.piece };
    const generation = this.#generation;
    return generation === 0 ? all : { ...all, generation, whole: true };
  }
}

export interface SwapsOptions {
  readonly planner: Planner;
  readonly pool: Pick<WorkerPool, 'configure'>;
  readonly health: Health;
  readonly priors: Pick<Priors, 'apply'>;
  readonly credentials: Credentials;
  readonly guard: AddressGuard;
  readonly log: Log;
}

interface Barred {
  readonly endpoint: EndpointState;
  readonly bits: number;
}

const policyOf = ({ pieces }: Snapshot): PolicyPiece | null =>
  pieces.find((piece): piece is PolicyPiece => piece.kind === 'Policy') ?? null;

type Configure = Extract<ToWorker, { type: 'configure' }>;

const NO_CHANGE: Configure = {
  type: 'configure',
  generation: 0,
  virtualServers: [],
  removedVirtualServers: [],
  rows: [],
  removedRows: [],
  credentials: NO_CREDENTIALS,
};

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
