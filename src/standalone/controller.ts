import type { ApiObject, ObjectsDocument, ObjectsWrite, StatusDocument } from '../admin/contract.ts';
import { Refusal } from '../admin/refusal.ts';
import { parseObject } from '../api/parse.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { MatrixPlacement } from '../model/placements.ts';
import type { ProfilesDocument } from '../model/profiles.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import type { Programmed, Serving } from '../proxy/serving-contract.ts';
import { groupCounts, type ReplicaFacts, type ServingFacts } from '../status/known-conditions.ts';
import { completeConditions, completeStatuses, statusDocument } from '../status/status-document.ts';
import { TargetWatch } from '../status/target-watch.ts';
import { Transitions } from '../status/transitions.ts';
import { APPLY_BOUNDS, Histogram } from '../telemetry/histogram.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConfigState } from '../telemetry/metrics.ts';
import type { ClusterState, LastGood } from '../translate/cluster-state.ts';
import { GoodSecrets } from '../translate/good-secrets.ts';
import type { SourceState, StandaloneSource } from './source.ts';
import { keyOf, lastGoodOf, lastGoodToKeep, toClusterState } from './to-cluster-state.ts';
import { type ComputedWeights, withComputed } from './with-computed.ts';

export interface Translation {
  readonly snapshot: Snapshot;
  readonly statuses: readonly ObjectStatus[];
  readonly lastGood: LastGood;
}

export interface ControllerOptions {
  readonly source: StandaloneSource;
  readonly serving: Pick<Serving, 'configure' | 'counts' | 'totals' | 'ready'>;
  /** `previous`: the snapshot before, so that what did not change costs nothing. */
  readonly translate: (state: ClusterState, previous: Snapshot | undefined) => Translation;
  readonly log: Log;
  readonly className?: string;
  /** What is learned of the apps of matrices. */
  readonly profiles?: () => ProfilesDocument;
  /** Weights of matrices that rule in place of their own, and what is known of how they came about. */
  readonly computed?: ComputedWeights;
  readonly placements?: () => readonly MatrixPlacement[];
  /** Called once, when the first snapshot is served. */
  readonly onFirst?: () => void;
}

/** How often conditions that follow from counts (Healthy, OnTarget) are looked at, and ports that were taken tried. */
const LOOK = 2000;
/** How long a write waits for the workers; they acknowledge in milliseconds, or are replaced after two seconds. */
const WRITE_WAITS = 5000;

/**
 * Puts the source's objects in force: translate, hand the snapshot to the proxy, and complete the statuses with what it
 * acknowledged. A change is taken up at once; those that come while one is put in force make one more.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #transitions = new Transitions();
  readonly #secrets = new GoodSecrets();
  readonly #targets = new TargetWatch();
  readonly #applyDuration = new Histogram(APPLY_BOUNDS);
  readonly #propagation = new Histogram(APPLY_BOUNDS);
  readonly #timer: NodeJS.Timeout;
  #pending: { state: SourceState; noticed: number } | null = null;
  #running: Promise<void> | null = null;
  #lastGood: LastGood;
  #placeable: Pick<ClusterState, 'matrices' | 'realServers'> = { matrices: new Map(), realServers: new Map() };
  #translation: Translation | null = null;
  /** The snapshot that the proxy was last given, and what it said. */
  #last: { readonly snapshot: Snapshot; readonly programmed: Programmed } | null = null;
  #inForce: Snapshot | null = null;
  #generation = 0;
  #appliedAt: number | null = null;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#lastGood = lastGoodOf(options.source.lastGood);
    options.source.onChange = (state, noticed) => this.#take(state, noticed);
    this.#timer = setInterval(() => this.#tick(), LOOK).unref();
  }

  /** Puts what the source has now in force. Resolves when it is, or when it is known that nothing can be. */
  async start(): Promise<void> {
    this.#take(this.#options.source.state, performance.now());
    await this.#settled();
  }

  /**
   * Reads and translates a change that nobody made, so that the first real one meets code that is compiled. For when memory
   * has been given back, which takes the code of the start along, and nobody waits yet.
   */
  rehearse(): void {
    try {
      this.#translate(this.#clusterState(this.#options.source.rehearsed(), false));
    } catch (error) {
      this.#options.log.error({ err: error }, 'a change could not be rehearsed');
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  /** The one in force; null before the first one. */
  get snapshot(): Snapshot | null {
    return this.#inForce;
  }

  /** Why nothing is served yet; empty when something is. */
  get waiting(): string | null {
    if (this.#inForce !== null) return null;
    return this.#options.source.state.known
      ? 'the first snapshot is not served yet'
      : 'there is no configuration: what was given is faulty, and nothing was kept from before';
  }

  /** Matrices and real servers as they were last translated. */
  get placeable(): Pick<ClusterState, 'matrices' | 'realServers'> {
    return this.#placeable;
  }

  objects(): ObjectsDocument {
    const { revision, objects } = this.#options.source.state;
    return { revision, objects: [...objects.values()] };
  }

  /** Each object with its conditions as they are now. */
  conditions(counts: CountsDocument = this.#options.serving.counts()): readonly ObjectStatus[] {
    if (this.#translation === null) return [];
    const { statuses } = this.#translation;
    const complete = completeConditions(statuses, this.#facts(this.#translation, counts));
    this.#note(complete);
    return complete;
  }

  /** The same with all details. */
  #statuses(): readonly ObjectStatus[] {
    if (this.#translation === null) return [];
    const { statuses } = this.#translation;
    const facts = this.#facts(this.#translation, this.#options.serving.counts());
    const matrices = this.#options.profiles?.().matrices ?? [];
    const profiles = new Map(matrices.map((each) => [each.matrix, each]));
    const placements = new Map((this.#options.placements?.() ?? []).map((each) => [each.matrix, each]));
    const complete = completeStatuses(statuses, { ...facts, profiles, placements });
    this.#note(complete);
    return complete;
  }

  #facts({ snapshot }: Translation, counts: CountsDocument): ServingFacts {
    const grouped = groupCounts(counts);
    return {
      snapshot,
      replicas: [this.#replica(snapshot)],
      since: () => 0,
      counts: grouped,
      onTarget: this.#targets.look(snapshot, grouped),
    };
  }

  #note(statuses: readonly ObjectStatus[]): void {
    for (const { object, condition, from } of this.#transitions.note(statuses, now())) {
      const fields = { object, condition: condition.type, status: condition.status, reason: condition.reason };
      const text = `${object}: ${condition.type} is ${condition.status}, ${condition.reason}: ${condition.message}`;
      if (!WORTH_A_LINE.has(condition.type)) continue;
      if (condition.status === 'False' && condition.reason !== 'Suspended') this.#options.log.warn(fields, text);
      else if (condition.status === 'False' || from === 'False') this.#options.log.info(fields, text);
    }
  }

  /** The only proxy, as one that has the present snapshot (number 0) or has not. */
  #replica(snapshot: Snapshot): ReplicaFacts {
    if (this.#last?.snapshot.id !== snapshot.id) return { serves: -1, listeners: [] };
    const { error, listeners } = this.#last.programmed;
    return { serves: error === undefined ? 0 : -1, listeners, error };
  }

  status(): StatusDocument {
    const statuses = new Map(this.#statuses().map((status) => [`${status.kind} ${status.key}`, status]));
    const { objects, faults } = this.#options.source.state;
    return statusDocument([...objects.values()], statuses, (status) => this.#transitions.timed(status), faults);
  }

  config(): ConfigState {
    const { faults } = this.#options.source.state;
    return {
      generation: this.#generation,
      snapshot: this.#generation === 0 ? null : (this.#last?.programmed.snapshot ?? null),
      lastApplySuccess: this.#last !== null && this.#last.programmed.error === undefined && faults.length === 0,
      lastApplyAt: this.#appliedAt,
      faults: faults.length,
      applyDuration: this.#applyDuration,
      propagation: this.#propagation,
    };
  }

  /** Puts computed weights in force that are others than before. */
  recompute(): void {
    this.#take(this.#options.source.state, performance.now());
  }

  /** As SIGHUP. Resolves when what the files say is in force. */
  async reload(): Promise<void> {
    await this.#options.source.reload();
    await this.#settled();
  }

  /** What tcpvsadm asks for; resolves when it is in force. Errors: Refusal, and then nothing has changed. */
  async write(write: ObjectsWrite): Promise<ObjectsDocument> {
    if (this.#inForce === null) throw new Refusal(503, `nothing can be changed yet: ${this.waiting ?? ''}`);
    const apply = write.apply.map(checked);
    await this.#options.source.write({ ...write, apply }, (candidate) => this.#judge(candidate, apply));
    await Promise.race([this.#settled(), unrefSleep(WRITE_WAITS)]);
    return this.objects();
  }

  /** A written object must be accepted, unless it is not worse than it was: what breaks nothing new may be edited. */
  #judge(candidate: SourceState, apply: readonly ApiObject[]): void {
    const translation = this.#translate(this.#clusterState(candidate, false));
    const before = new Map(this.#translation?.statuses.map((s) => [`${s.kind} ${s.key}`, complaint(s)]));
    const after = new Map(translation.statuses.map((s) => [`${s.kind} ${s.key}`, complaint(s)]));
    const complaints = apply.flatMap((object) => {
      const id = `${object.kind} ${keyOf(object)}`;
      const message = after.get(id) ?? null;
      return message === null || message === before.get(id) ? [] : [`${id}: ${message}`];
    });
    if (complaints.length > 0) throw new Refusal(422, complaints.slice(0, 10).join('; '));
  }

  /** `keep` false: the state is only looked at. */
  #clusterState(state: SourceState, keep = true): ClusterState {
    const secrets = this.#secrets.take(state.secrets, keep);
    const cluster = toClusterState({ ...state, secrets }, this.#lastGood, this.#options.className ?? 'tcpvs');
    return withComputed(cluster, this.#options.computed ?? (() => null));
  }

  #translate(state: ClusterState): Translation {
    return this.#options.translate(state, this.#translation?.snapshot);
  }

  #take(state: SourceState, noticed: number): void {
    // What waits is older; its time counts, since it is not in force yet either.
    this.#pending = { state, noticed: this.#pending?.noticed ?? noticed };
    this.#start();
  }

  /** One loop at a time. It ends later than it is noted down here, even where it has nothing to wait for. */
  #start(first: () => Promise<void> = () => Promise.resolve()): void {
    if (this.#running !== null) return;
    this.#running = first()
      .then(() => this.#run())
      .finally(() => {
        this.#running = null;
        if (this.#pending !== null && !this.#closed) this.#start();
      });
  }

  async #settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#pending !== null && !this.#closed) {
      const { state, noticed } = this.#pending;
      this.#pending = null;
      try {
        // One after the other: a change is put in force, then the next one.
        if (state.known) await this.#apply(state, noticed);
      } catch (error) {
        // A fault of ours; what is in force stays in force.
        this.#options.log.error({ err: error }, 'a change of the configuration could not be put in force');
      }
    }
  }

  async #apply(state: SourceState, noticed: number): Promise<void> {
    const { log, source } = this.#options;
    const cluster = this.#clusterState(state);
    const translation = this.#translate(cluster);
    this.#placeable = cluster;
    this.#translation = translation;
    this.#lastGood = translation.lastGood;
    source.keepLastGood(lastGoodToKeep(translation.lastGood, cluster));
    const { snapshot } = translation;
    if (snapshot.id !== this.#last?.snapshot.id) {
      const { error, milliseconds } = await this.#configure(snapshot);
      this.#applyDuration.observe(milliseconds / 1000);
      if (error === undefined) this.#applied(snapshot, performance.now() - noticed);
      else log.error({ snapshot: snapshot.id }, `the configuration is not in force: ${error}`);
    }
    this.conditions();
  }

  async #configure(snapshot: Snapshot): Promise<Programmed> {
    const programmed = await this.#options.serving.configure(snapshot);
    this.#last = { snapshot, programmed };
    return programmed;
  }

  #applied(snapshot: Snapshot, milliseconds: number): void {
    const { log, onFirst } = this.#options;
    this.#inForce = snapshot;
    this.#generation++;
    this.#appliedAt = Date.now() / 1000;
    this.#propagation.observe(milliseconds / 1000);
    const fields = { snapshot: snapshot.id, generation: this.#generation, milliseconds: Math.round(milliseconds) };
    log.info(fields, 'configuration is in force');
    if (this.#generation === 1) onFirst?.();
  }

  #tick(): void {
    if (this.#closed || this.#running !== null || this.#last === null) return;
    this.conditions();
    // The proxy itself tries a port again that was taken; asking for the same snapshot tells what became of it.
    const { snapshot, programmed } = this.#last;
    if (programmed.listeners.some((listener) => listener.error !== null)) {
      this.#start(async () => void (await this.#configure(snapshot)));
    }
  }
}

/** Conditions whose flips an operator wants to read in the log; the others follow from these. */
const WORTH_A_LINE: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs', 'Programmed', 'Healthy', 'OnTarget']);

function checked(object: ApiObject): ApiObject {
  const result = parseObject(object);
  if (!result.ok) throw new Refusal(400, result.faults.map((fault) => fault.message).join('; '));
  return result.object;
}

function complaint(status: ObjectStatus): string | null {
  const accepted = status.conditions.find((condition) => condition.type === 'Accepted');
  return accepted?.status === 'False' ? accepted.message : null;
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

function unrefSleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
