/**
 * The placement manager at work: once per interval and matrix it looks at what was counted, asks the solver in its thread, and
 * decides. The weights that come of it go the way that any change goes.
 */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { windowsOf } from '../learning/windows.ts';
import { type Answer, cycle, type Outcome, stillText, timedRows } from '../manager/cycle.ts';
import { intervalOf } from '../manager/interval.ts';
import { type KeptManager, keptManager, managerOf } from '../manager/kept-manager.ts';
import type { Measured } from '../manager/measured.ts';
import { type Planned, type Posed, problemOf } from '../manager/problem-of.ts';
import type { Reserved } from '../manager/servers.ts';
import { type ComputedRows, type ManagerState, newState } from '../manager/state.ts';
import type { CountsDocument } from '../model/counts.ts';
import { carryOver, type Computing, type Rows, sameRows } from '../model/matrix-rows.ts';
import type { MatrixPlacement } from '../model/placements.ts';
import type { MatrixProfile, ProfilesDocument } from '../model/profiles.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { SolverThread } from '../placement/thread/solver-thread.ts';
import type { Log } from '../telemetry/log.ts';
import type { ClusterState } from '../translate/cluster-state.ts';
import { computingOf, givenRows, placesInstances } from '../translate/matrices.ts';
import { cellsOf, nameOf, namespaceOf, type Objects, type Other, serversOf, usedByAll } from './around-matrix.ts';
import { Instances, type Workloads } from './instances.ts';

export interface ManagerOptions {
  readonly counts: () => Promise<CountsDocument>;
  /** How many proxies serve, and how many of them were heard of within so many seconds. */
  readonly proxies: (seconds: number) => { readonly heard: number; readonly all: number };
  readonly solver: Pick<SolverThread, 'solve' | 'close'>;
  /** Where it runs: only in a cluster are instances somebody's to place. */
  readonly mode: ClusterState['mode'];
  /** Null: instances are not to be started or stopped. */
  readonly workloads: Workloads | null;
  /** Matrices with the weights that are in force for them in their status. */
  readonly objects: () => Objects;
  readonly className: string;
  readonly profiles: () => ProfilesDocument;
  /** Puts in force what `rows` says now. */
  readonly apply: () => void;
  /** Null: nothing is kept. */
  readonly keep: ((kept: KeptManager) => Promise<void>) | null;
  /** What was kept by a run before. */
  readonly kept: unknown;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Milliseconds between two looks at which matrices are due. */
const LOOK = 250;
/** Milliseconds between two writes of what follows from counting alone; weights are kept at once. */
const KEEPING = 30_000;
/** The solver has half of an interval, and no more milliseconds than this. */
const BUDGET = 10_000;

/** What is known of one matrix between two cycles. */
interface Managed {
  state: ManagerState;
  /** The spec that it was last looked at with, and what had been counted when. */
  spec: AppWeightMatrixSpec | null;
  counts: CountsDocument;
  since: number;
  last: { readonly outcome: Outcome; readonly at: number } | null;
  moves: number;
  returns: number;
  /** As `rows` gave them. */
  given: { readonly spec: AppWeightMatrixSpec; readonly of: ComputedRows; readonly rows: ComputedRows | null } | null;
}

export class PlacementManager {
  readonly #options: ManagerOptions;
  readonly #now: () => number;
  readonly #managed = new Map<ObjectKey, Managed>();
  readonly #instances: Instances | null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #keptAt: number;
  #closed = false;
  /** During one look: to make them costs more than to use them. */
  #profiles: ReadonlyMap<ObjectKey, MatrixProfile> | null = null;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#keptAt = this.#now();
    this.#instances = options.workloads === null ? null : new Instances(options.workloads);
    for (const [key, state] of opened(options)) this.#managed.set(key, managed(state));
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.look().finally(() => (this.#looking = null));
    }, LOOK).unref();
  }

  /** The weights that rule in place of the object's own; null: none do. The same as before as long as they are. */
  rows(key: ObjectKey, spec: AppWeightMatrixSpec): ComputedRows | null {
    const one = this.#managed.get(key) ?? this.#adopted(key);
    const of = one?.state.rows ?? null;
    if (one === null || of === null || spec.mode !== 'Auto') return null;
    if (one.given?.spec !== spec || one.given.of !== of) {
      const rows = carryOver(this.#given(spec), of, this.#computing(spec));
      const since = new Map(of.map((row) => [row.server, row.since]));
      const timed = rows?.map((row) => ({ ...row, since: since.get(row.server) ?? this.#text() })) ?? null;
      one.given = { spec, of, rows: timed };
    }
    return one.given.rows;
  }

  /** Of the matrices whose weights are computed. */
  placements(): MatrixPlacement[] {
    return this.#wanted().map(([matrix, { spec }]) => {
      const rows = this.rows(matrix, spec);
      const { last = null, state = newState(), moves = 0, returns = 0 } = this.#managed.get(matrix) ?? {};
      const { recommended, why } = last?.outcome ?? NOT_YET;
      const at = last === null ? null : last.at / 1000;
      const { changes, stalled, instances, why: more } = this.#report(matrix, spec);
      const reason = more === null ? why : `${why}; ${more}`;
      const proven = state.trust.good;
      return { matrix, at, rows, recommended, reason, changes, stalled, instances, proven, moves, returns };
    });
  }

  /** Takes those that are due through a cycle, one after the other. */
  async look(): Promise<void> {
    const { solver, log } = this.#options;
    this.#profiles = null;
    const wanted = this.#wanted();
    const known = new Set(wanted.map(([key]) => key));
    const gone = [...this.#managed.keys()].filter((key) => !known.has(key));
    for (const key of gone) this.#managed.delete(key);
    this.#instances?.keepOnly(known);
    for (const [key, { spec }] of wanted) {
      try {
        if (this.#isPlaced(spec)) await this.#carryOn(key, spec);
        else this.#instances?.drop(key, 'instances of the matrix are not managed any more');
        await this.#turn(key, spec);
      } catch (error) {
        log.error({ err: error, matrix: key }, `matrix ${key}: the weights stay, since a cycle of placement failed`);
      }
      if (this.#closed) return;
    }
    if (wanted.length === 0) await solver.close();
    if (gone.length > 0 || (wanted.length > 0 && this.#now() - this.#keptAt >= KEEPING)) await this.#keep();
  }

  /** `keep` false: another process has taken over, and keeps its own. */
  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#options.solver.close();
    await this.#looking;
    if (keep) await this.#keep();
  }

  /** Those that ask for it. */
  #wanted() {
    const { objects, className } = this.#options;
    return [...objects().matrices].filter(([, { spec }]) => spec.mode !== 'Static' && spec.className === className);
  }

  /** What another one has put in force, whose place this one takes; null: nothing. */
  #adopted(key: ObjectKey): Managed | null {
    const object = this.#options.objects().matrices.get(key);
    const rows = object?.status?.rows ?? [];
    if (object?.spec.mode !== 'Auto' || rows.length === 0) return null;
    const one = managed({ ...newState(), rows: rows.map((row) => ({ since: this.#text(), ...row })) });
    this.#managed.set(key, one);
    return one;
  }

  async #turn(key: ObjectKey, spec: AppWeightMatrixSpec): Promise<void> {
    const one = this.#managed.get(key) ?? this.#adopted(key) ?? managed(newState());
    this.#managed.set(key, one);
    const interval = intervalOf(spec);
    // An edit is no cycle: what was counted before it says nothing of what comes after.
    const isNew = one.spec !== spec;
    const passed = (this.#now() - one.since) / 1000;
    if (!isNew && passed >= 0 && passed < interval) return;
    const counts = await this.#options.counts();
    if (this.#closed) return;
    const profile = this.#known().get(key) ?? null;
    const measured = isNew || passed < 0 ? null : this.#measured(key, one, counts, { profile, interval });
    Object.assign(one, { spec, counts, since: this.#now() });
    const isPaused = spec.placement?.paused ?? false;
    const posed = this.#problem(key, spec, counts, profile);
    const isBusy = this.#instances?.isBusy(key) === true;
    const answer = isBusy ? CARRYING_OUT : await this.#answer(posed, measured !== null && !isPaused, interval);
    // What was decided for an object that is another by now is not done.
    if (this.#closed || this.#options.objects().matrices.get(key)?.spec !== spec) return;
    const outcome = cycle(one.state, {
      now: this.#now(),
      mode: spec.mode === 'Auto' ? 'Auto' : 'Recommend',
      paused: isPaused,
      interval,
      given: this.#given(spec),
      computing: this.#computing(spec),
      measured,
      answer,
    });
    if (outcome.did === 'RolledBack') this.#instances?.takeBack(key, this.#now());
    else if (outcome.state.watch === null) this.#instances?.accept(key);
    this.#decided(key, one, { outcome, at: this.#now() });
    if (outcome.did !== 'Held') await this.#keep();
    if (!isBusy && answer.kind === 'Solved') await this.#decideInstances(key, spec, { outcome, profile, interval });
  }

  /** Looks for a better placement of instances, where that is asked for. */
  async #decideInstances(
    key: ObjectKey,
    spec: AppWeightMatrixSpec,
    { outcome, profile, interval }: { outcome: Outcome; profile: MatrixProfile | null; interval: number },
  ): Promise<void> {
    const { mode, solver } = this.#options;
    if (this.#instances === null || mode !== 'Cluster' || spec.placement?.actuate !== 'Manage') return;
    const still = spec.mode === 'Auto' ? stillText(outcome, this.#now()) : RECOMMENDED;
    const budget = Math.min(BUDGET, 250 * interval);
    await this.#instances.decide(key, this.#around(key, spec, profile), {
      solve: (problem) => solver.solve(problem, { budget, exact: false }),
      isSame: () => !this.#closed && this.#options.objects().matrices.get(key)?.spec === spec,
      still,
    });
  }

  /** The next thing of a plan that is under way; and what is to hold without one. */
  async #carryOn(key: ObjectKey, spec: AppWeightMatrixSpec): Promise<void> {
    if (this.#instances === null) return;
    const one = this.#managed.get(key) ?? this.#adopted(key) ?? managed(newState());
    this.#managed.set(key, one);
    const given = this.#given(spec);
    const inForce = this.rows(key, spec) ?? given;
    const rows = this.#instances.carryOn(key, spec, { given, inForce, isComputed: one.state.rows !== null });
    if (rows === null) return;
    const { state } = one;
    const watch = { before: state.rows, windows: state.windows, worse: {}, ...state.watch, fine: 0 };
    one.state = { ...state, rows: timedRows(rows, state.rows, this.#now()), prediction: null, watch };
    this.#options.apply();
    await this.#keep();
  }

  #isPlaced(spec: AppWeightMatrixSpec): boolean {
    return placesInstances(spec, this.#options.mode);
  }

  /** Without anybody who would give it a weight again, a cell is not left at 0. */
  #computing(spec: AppWeightMatrixSpec): Computing {
    const { quiesces, caps } = computingOf(spec, this.#options.mode);
    return { quiesces: quiesces && this.#instances !== null, caps };
  }

  /** The cells that the object asks for. */
  #given(spec: AppWeightMatrixSpec): Rows {
    return givenRows(spec, this.#options.mode);
  }

  #report(
    key: ObjectKey,
    spec: AppWeightMatrixSpec,
  ): Pick<MatrixPlacement, 'changes' | 'stalled' | 'instances'> & {
    readonly why: string | null;
  } {
    const none = { changes: [], stalled: null, instances: null };
    if (spec.placement?.actuate !== 'Manage') return { why: null, ...none };
    if (this.#instances !== null) return this.#instances.report(key, spec);
    if (this.#options.mode === 'Standalone') return { why: NO_CLUSTER, ...none };
    return { why: NOT_PERMITTED, ...none, stalled: { reason: 'NotPermitted', message: NOT_PERMITTED } };
  }

  async #answer(posed: Posed, isAsked: boolean, interval: number): Promise<Answer> {
    return posed.ok ? this.#solved(posed.planned, isAsked, interval) : { kind: 'None', why: posed.lacks };
  }

  async #solved(planned: Planned, isAsked: boolean, interval: number): Promise<Answer> {
    if (!isAsked) return { kind: 'None', why: [NOT_YET.why] };
    try {
      const budget = Math.min(BUDGET, 500 * interval);
      const { load } = await this.#options.solver.solve(planned.problem, { budget, exact: false, rounds: 0 });
      return { kind: 'Solved', planned, load };
    } catch (error) {
      return { kind: 'None', why: [`the weights stay: ${(error as Error).message}`] };
    }
  }

  #decided(key: ObjectKey, one: Managed, last: NonNullable<Managed['last']>): void {
    const { outcome } = last;
    const { log, apply } = this.#options;
    const before = one.state.rows;
    const said = one.last?.outcome.why;
    one.last = last;
    one.state = outcome.state;
    const fields = { matrix: key, proven: outcome.state.trust.good };
    if (outcome.did === 'Moved') {
      one.moves++;
      log.info(fields, `matrix ${key}: weights are changed: ${outcome.why}`);
    } else if (outcome.did === 'RolledBack') {
      one.returns++;
      log.warn(fields, `matrix ${key}: ${outcome.why}`);
    } else if (outcome.recommended === null && outcome.why !== said) log.info(fields, `matrix ${key}: ${outcome.why}`);
    const after = outcome.state.rows;
    if (before === null ? after !== null : after === null || !sameRows(before, after)) apply();
  }

  #measured(
    key: ObjectKey,
    one: Managed,
    counts: CountsDocument,
    { profile, interval }: { readonly profile: MatrixProfile | null; readonly interval: number },
  ): Measured {
    const ages = (profile?.apps ?? []).flatMap(({ demand }) => demand.age ?? []);
    const cells = Array.from(windowsOf(one.counts, counts)).filter(({ matrix }) => matrix === key);
    return {
      proxies: this.#options.proxies(2 * interval),
      age: Math.min(...ages, ages.length === 0 ? 0 : Number.POSITIVE_INFINITY),
      seconds: (this.#now() - one.since) / 1000,
      cells: cells.map((cell) => ({ ...cell, server: nameOf(cell.server) })),
    };
  }

  #problem(key: ObjectKey, spec: AppWeightMatrixSpec, counts: CountsDocument, profile: MatrixProfile | null): Posed {
    const { isOut, isLive } = cellsOf(key, counts);
    // A cell that is there in case of an instance takes none until it is known to have one.
    const isPlaced = this.#isPlaced(spec);
    return problemOf({
      ...this.#around(key, spec, profile),
      isOut: isPlaced ? (server, app) => !isLive(server, app) : isOut,
    });
  }

  #around(key: ObjectKey, spec: AppWeightMatrixSpec, profile: MatrixProfile | null) {
    return {
      spec,
      rows: this.rows(key, spec) ?? this.#given(spec),
      servers: serversOf(key, this.#options.objects(), this.#options.className, this.#reserved(key)),
      profile,
      usedByOthers: this.#usedByOthers(key),
    };
  }

  #reserved(key: ObjectKey): Reserved {
    return this.#options.workloads?.reserved(key) ?? new Map<string, number>();
  }

  #known(): ReadonlyMap<ObjectKey, MatrixProfile> {
    return (this.#profiles ??= new Map(this.#options.profiles().matrices.map((each) => [each.matrix, each])));
  }

  #usedByOthers(matrix: ObjectKey) {
    const profiles = this.#known();
    return usedByAll(
      [...this.#options.objects().matrices].flatMap(([key, { spec }]): Other[] => {
        const profile = profiles.get(key);
        if (key === matrix || namespaceOf(key) !== namespaceOf(matrix) || profile === undefined) return [];
        const counts = this.#managed.get(key)?.counts ?? NOTHING;
        const cells = this.#isPlaced(spec) ? cellsOf(key, counts) : null;
        return [{ rows: this.rows(key, spec) ?? this.#given(spec), profile, cells }];
      }),
    );
  }

  async #keep(): Promise<void> {
    this.#keptAt = this.#now();
    const states = [...this.#managed].map(([key, { state }]): [ObjectKey, ManagerState] => [key, state]);
    await this.#options.keep?.(keptManager(states)).catch((error: Error) => {
      this.#options.log.error(`what the placement manager knows is not kept: ${error.message}`);
    });
  }

  #text(): string {
    return new Date(this.#now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

const NO_CLUSTER = 'placement.actuate is Manage, which needs a cluster: weights alone are computed';
const NOT_PERMITTED =
  'placement.actuate is Manage, but this controller is not to start or stop instances (flag --manage-workloads, value placement.manage of the chart): weights alone are computed';
const RECOMMENDED = 'mode is Recommend, so nothing is started or stopped';
const CARRYING_OUT: Answer = { kind: 'None', why: ['the weights follow a plan of starts and stops that is under way'] };
const NOT_YET = { recommended: null, why: 'nothing is computed yet: the first interval is being counted' };

const NOTHING: CountsDocument = { rows: [], endpoints: [] };

function managed(state: ManagerState): Managed {
  return { state, spec: null, counts: NOTHING, since: 0, last: null, moves: 0, returns: 0, given: null };
}

function opened({ kept, log }: ManagerOptions): readonly (readonly [ObjectKey, ManagerState])[] {
  if (kept === null) return [];
  try {
    return managerOf(kept);
  } catch (error) {
    log.error(`what the placement manager knew before is not used: ${(error as Error).message}`);
    return [];
  }
}
