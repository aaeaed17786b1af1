import type { News, ReplicaState } from '../../delivery/contract.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import { type Clock, systemClock } from '../../kube/clock.ts';
import { compareVersions, type KubeObject } from '../../kube/resource.ts';
import { DONE, type Outcome, WorkQueue, type WorkQueueMeasures } from '../../kube/work-queue.ts';
import type { MatrixPlacement } from '../../model/placements.ts';
import type { MatrixProfile } from '../../model/profiles.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Kind, ObjectStatus } from '../../model/status.ts';
import { Slices } from '../../slices/slices.ts';
import { groupCounts, type ReplicaFacts, type ServingFacts } from '../../status/known-conditions.ts';
import { mergeSteps } from '../../status/merge-counts.ts';
import { completeStatus } from '../../status/status-document.ts';
import { TargetWatch } from '../../status/target-watch.ts';
import type { Flip } from '../../status/transitions.ts';
import type { Log } from '../../telemetry/log.ts';
import { type DesiredStatus, desiredStatus, type PresentStatus } from './desired-status.ts';
import { Publications } from './publications.ts';

export interface StatusKeeperOptions {
  /** The object as the watch has it; undefined: it is gone. */
  readonly present: (kind: Kind, key: string) => KubeObject | undefined;
  /** Server-side apply of a status onto that version of the object; resolves with the new version. Errors: ApiError. */
  readonly write: (object: KubeObject, kind: Kind, status: DesiredStatus['status']) => Promise<string>;
  /** By uid. */
  readonly replicas: () => ReadonlyMap<string, ReplicaState>;
  /** Uids of the proxies that are ready: those that have to serve a change until it is programmed. */
  readonly ready: () => ReadonlySet<string>;
  /** By matrix: what was learned of its apps. */
  readonly profiles: () => ReadonlyMap<string, MatrixProfile>;
  /** Of matrices whose weights are computed. */
  readonly placements?: () => readonly MatrixPlacement[];
  readonly flipped: (object: KubeObject, kind: Kind, flip: Flip) => void;
  readonly log: Log;
  readonly clock?: Clock;
  /** Milliseconds since 1970. */
  readonly wallClock?: () => number;
}

export interface StatusKeeperStats {
  readonly written: number;
  readonly conflicts: number;
  readonly failed: number;
}

/** After a change others are mostly on their way: what comes within this time is one look. */
const HOLD = 100;
/** Between two looks at everything. */
const PACE = 500;
/** Counts alone are written at most so often, for each object. */
const SLOW = 10 * 60_000;
/** How often it is looked whether those that wait for that are due. */
const LATER = 60_000;
/** New counts are looked at after so long at the latest: they say whether shares are on target. */
const SOON = 5000;
/** Writes of the statuses of a large installation must not keep the API server from its other work. */
const WRITES = { perSecond: 50, burst: 200 };
/** Milliseconds of looking after which the event loop has its turn: snapshots are to be published. */
const SLICE = 5;

/**
 * Keeps the statuses of all objects as they should be, while this replica leads: level-triggered, so that a new leader
 * brings in order whatever it finds. Traffic never waits for it.
 */
export class StatusKeeper {
  readonly #options: StatusKeeperOptions;
  readonly #clock: Clock;
  readonly #publications = new Publications();
  readonly #targets = new TargetWatch();
  readonly #queue: WorkQueue;
  #translation: { readonly snapshot: Snapshot; readonly statuses: readonly ObjectStatus[] } | null = null;
  readonly #complete = new Map<string, ObjectStatus>();
  /** What was written and has not come back by the watch yet. */
  readonly #written = new Map<string, { readonly version: string; readonly status: PresentStatus }>();
  readonly #writtenAt = new Map<string, number>();
  #leads = false;
  #looking: Promise<void> | null = null;
  #scheduled: (() => void) | null = null;
  #later: { readonly at: number; readonly cancel: () => void } | null = null;
  #lookedAt = -Infinity;
  #counts = { written: 0, conflicts: 0, failed: 0 };

  constructor(options: StatusKeeperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#queue = new WorkQueue({
      process: (id) => this.#process(id),
      concurrency: 8,
      pace: WRITES,
      backoff: { first: 50, most: 30_000, jitter: 0.2 },
      clock: this.#clock,
      onFailure: (id, { why }, failures) => {
        this.#counts.failed++;
        if (failures === 3) options.log.warn({ object: id }, `its status is not written yet: ${why}`);
      },
    });
  }

  /** A translation that has been published. */
  translated(translation: { readonly snapshot: Snapshot; readonly statuses: readonly ObjectStatus[] }): void {
    this.#translation = translation;
    this.#publications.published(translation.snapshot, translation.statuses);
    this.touched();
  }

  /** Something that statuses follow from may be another: acknowledgements, counts, proxies, the objects themselves. */
  touched(): void {
    if (!this.#leads || this.#translation === null || this.#scheduled !== null) return;
    const wait = Math.max(HOLD, this.#lookedAt + PACE - this.#clock.now());
    this.#scheduled = this.#clock.after(wait, () => {
      this.#scheduled = null;
      if (this.#looking !== null) this.touched();
      else this.#looking = this.#look().finally(() => (this.#looking = null));
    });
  }

  /** A proxy's report. */
  reported(news: News): void {
    if (news === 'Health') this.touched();
    else this.#lookWithin(SOON);
  }

  /** Whether anything else happens until then or not. */
  #lookWithin(milliseconds: number): void {
    const at = this.#clock.now() + milliseconds;
    if (this.#later !== null && this.#later.at <= at) return;
    this.#later?.cancel();
    const cancel = this.#clock.after(milliseconds, () => {
      this.#later = null;
      this.touched();
    });
    this.#later = { at, cancel };
  }

  /** Only the leader writes. */
  lead(leads: boolean): void {
    this.#leads = leads;
    if (leads) this.touched();
  }

  publications(): Publications {
    return this.#publications;
  }

  /** As the last look found them; empty on replicas that do not lead. */
  statuses(): Iterable<ObjectStatus> {
    return this.#leads ? this.#complete.values() : [];
  }

  get queue(): WorkQueueMeasures {
    return this.#queue.measures;
  }

  get stats(): StatusKeeperStats {
    return this.#counts;
  }

  /** Resolves when what is being written is written. */
  async close(): Promise<void> {
    this.#leads = false;
    this.#scheduled?.();
    this.#later?.cancel();
    await this.#queue.close();
  }

  async #look(): Promise<void> {
    const translation = this.#translation;
    if (translation === null) return;
    this.#lookedAt = this.#clock.now();
    const slices = new Slices(SLICE);
    const facts = await this.#gather(translation.snapshot, slices);
    const gone = new Set(this.#complete.keys());
    for (const status of translation.statuses) {
      if (slices.isOver) await slices.next();
      if (!this.#leads) return;
      const id = idOf(status);
      gone.delete(id);
      const complete = completeStatus(status, facts);
      this.#complete.set(id, complete);
      if (this.#isWorth(id, complete)) this.#queue.add(id);
    }
    for (const id of gone) this.#forget(id);
  }

  async #gather(snapshot: Snapshot, slices: Slices): Promise<ServingFacts> {
    const { ready, replicas } = this.#options;
    const known = replicas();
    const states = [...ready()].map((uid) => known.get(uid));
    const documents = states.flatMap((state) => (state === undefined ? [] : [state.counts]));
    const [rows, endpoints] = [documents.flatMap((each) => each.rows), documents.flatMap((each) => each.endpoints)];
    return {
      snapshot,
      replicas: states.map((state) => this.#replica(state)),
      since: (object) => this.#publications.since(object),
      counts: groupCounts(await slices.all(mergeSteps(documents))),
      // Every proxy keeps its own shares exact; their sum need not be.
      onTarget: this.#targets.look(snapshot, groupCounts({ rows, endpoints })),
      profiles: this.#options.profiles(),
      placements: new Map((this.#options.placements?.() ?? []).map((each) => [each.matrix, each])),
    };
  }

  #replica(state: ReplicaState | undefined): ReplicaFacts {
    const { snapshot, listeners = [], error } = state?.programmed ?? {};
    return { serves: this.#publications.numberOf(snapshot), listeners, error };
  }

  #isWorth(id: string, complete: ObjectStatus): boolean {
    const present = this.#present(id);
    if (present === undefined) return false;
    const { worth } = desiredStatus(complete, present.status, this.#now());
    if (worth !== 'Slow') return worth === 'Now';
    const due = this.#clock.now() - (this.#writtenAt.get(id) ?? -Infinity) >= SLOW;
    if (!due) this.#lookWithin(LATER);
    return due;
  }

  async #process(id: string): Promise<Outcome> {
    const complete = this.#complete.get(id);
    const present = this.#present(id);
    if (!this.#leads || complete === undefined || present === undefined) return DONE;
    const { status, worth, flips } = desiredStatus(complete, present.status, this.#now());
    if (worth === 'Nothing') return DONE;
    const { object } = present;
    try {
      const version = await this.#options.write(object, complete.kind, status);
      this.#written.set(id, { version, status });
      this.#writtenAt.set(id, this.#clock.now());
      this.#counts.written++;
    } catch (error) {
      if (isNotFound(error)) return DONE;
      if (isConflict(error)) {
        // The watch is about to bring what came in between, and then it is looked at anew.
        this.#counts.conflicts++;
        return { kind: 'Again', after: HOLD };
      }
      throw error;
    }
    for (const flip of flips) this.#options.flipped(object, complete.kind, flip);
    return DONE;
  }

  /** The object and its status, the one that we wrote where the watch has not brought it yet. */
  #present(id: string): { readonly object: KubeObject; readonly status: PresentStatus } | undefined {
    const [kind, key] = id.split(' ') as [Kind, string];
    const object = this.#options.present(kind, key);
    if (object === undefined) return undefined;
    const status = (object['status'] ?? {}) as PresentStatus;
    const written = this.#written.get(id);
    if (written === undefined) return { object, status };
    const resourceVersion = object.metadata.resourceVersion ?? '';
    if (compareVersions(resourceVersion, written.version) >= 0) {
      this.#written.delete(id);
      return { object, status };
    }
    const metadata = { ...object.metadata, resourceVersion: written.version };
    return { object: { ...object, metadata }, status: written.status };
  }

  #forget(id: string): void {
    this.#complete.delete(id);
    this.#written.delete(id);
    this.#writtenAt.delete(id);
    this.#queue.remove(id);
  }

  #now(): string {
    return new Date((this.#options.wallClock ?? Date.now)()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

const idOf = ({ kind, key }: Pick<ObjectStatus, 'kind' | 'key'>): string => `${kind} ${key}`;
