/**
 * Instances of the workloads of matrices that ask for it (placement.actuate: Manage): plans are made once per cycle, when weights
 * have been decided on, and carried out several times a second, from what is seen of the cluster.
 */
import { advance } from '../actuation/advance.ts';
import { type Course, courseOf, type News, type Write } from '../actuation/course.ts';
import { abandonedCells, editRows } from '../actuation/edit-rows.ts';
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { type InstancesInputs, instancesProblem } from '../manager/instances-problem.ts';
import type { Reserved } from '../manager/servers.ts';
import { NEW_STANDING, type Standing, worthChanging } from '../manager/worth-changing.ts';
import { type Rows, sameRows } from '../model/matrix-rows.ts';
import type { InstanceCounts, PlacedChange } from '../model/placements.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import { hostsOf, type Places, type Seen, type Served, type WhyNot } from '../model/workloads.ts';
import type { Problem } from '../placement/problem/problem.ts';
import type { Result } from '../placement/result.ts';

/** The cluster that workloads run in. */
export interface Workloads {
  seen(matrix: ObjectKey, spec: AppWeightMatrixSpec): SeenOrNot;
  served(matrix: ObjectKey, spec: AppWeightMatrixSpec): Served;
  /** By pods that are none of the workloads of the namespace's matrices: what those use is known. */
  reserved(matrix: ObjectKey): Reserved;
  /** What has not become of it is seen, and written again. */
  write(matrix: ObjectKey, writes: readonly Write[]): void;
  tell(matrix: ObjectKey, news: readonly News[]): void;
}

export type SeenOrNot = { readonly ok: true; readonly seen: Seen } | { readonly ok: false; readonly whyNot: WhyNot };

export interface Report {
  /** For people. */
  readonly why: string;
  readonly changes: readonly PlacedChange[];
  readonly stalled: WhyNot | null;
  readonly instances: InstanceCounts;
}

/** Milliseconds for which the workloads of a plan are left alone when it is over: until they are up, and it is seen what it does. */
const HOLD = 5 * 60_000;
/** Two times the mean that demand is taken over. */
const SETTLING = 2 * 60_000;
/** Milliseconds in which instances may go back to where they were: then what was before says nothing of now. */
const GOING_BACK = 10 * 60_000;

interface Managed {
  course: Course | null;
  standing: Standing;
  /** By workload, in milliseconds since 1970. */
  readonly holds: Map<string, number>;
  why: string;
  changes: readonly PlacedChange[];
  counts: InstanceCounts;
  /** Workloads of the course. */
  moving: readonly string[];
  /** Where those of the last plan were before it, as long as it is not known to have done no harm. */
  before: Places | null;
  /** Where they are to go again. */
  back: { readonly to: Places; readonly until: number } | null;
}

export type DecideInputs = Omit<InstancesInputs, 'seen' | 'isHeld' | 'wanted'>;

export interface Deciding {
  readonly solve: (problem: Problem) => Promise<Result>;
  /** What was planned for an object that is another by now is not begun. */
  readonly isSame: () => boolean;
  /** Why nothing new is begun now, whatever is found; null: it may be. */
  readonly still: string | null;
}

const WORSE_OFF = 'clients were worse off';
const BACK = 'instances are again where they were before the last plan';
const NONE: InstanceCounts = { starts: 0, stops: 0, dropped: 0 };
const NOT_YET = 'no placement is computed yet';

export class Instances {
  readonly #workloads: Workloads;
  readonly #managed = new Map<ObjectKey, Managed>();

  constructor(workloads: Workloads) {
    this.#workloads = workloads;
  }

  /** Those of other matrices are forgotten. */
  keepOnly(matrices: ReadonlySet<ObjectKey>): void {
    for (const key of this.#managed.keys()) if (!matrices.has(key)) this.#managed.delete(key);
  }

  isBusy(key: ObjectKey): boolean {
    return this.#managed.get(key)?.course != null;
  }

  report(key: ObjectKey, spec: AppWeightMatrixSpec): Report {
    const found = this.#workloads.seen(key, spec);
    const { why = NOT_YET, changes = [], counts = NONE } = this.#managed.get(key) ?? {};
    return { why, changes, instances: counts, stalled: found.ok ? whyNotOf(found.seen) : found.whyNot };
  }

  /**
   * The next thing that is to be done. Returns weights that are to rule from now on; null: they stay.
   * @param given the cells that the object asks for; `inForce`: the weights that rule
   */
  carryOn(
    key: ObjectKey,
    spec: AppWeightMatrixSpec,
    { given, inForce, isComputed }: { readonly given: Rows; readonly inForce: Rows; readonly isComputed: boolean },
  ): Rows | null {
    const found = this.#workloads.seen(key, spec);
    if (!found.ok) return null;
    const { seen } = found;
    if (spec.placement?.paused === true) {
      this.drop(key, 'placement.paused is set');
      // Nothing is changed, and nobody is left waiting for it either.
      this.#workloads.write(
        key,
        advance(null, seen, NOTHING).writes.filter(({ kind }) => kind === 'Open'),
      );
      return null;
    }
    const one = this.#of(key);
    const before = one.course;
    const { course, writes, weights, news } = advance(before, seen, this.#workloads.served(key, spec));
    one.course = course;
    if (before !== null && course === null) this.#ended(one, seen);
    this.#tell(key, one, news);
    this.#workloads.write(key, writes);
    const edited = editRows(inForce, weights);
    const left = course === null && isComputed ? abandonedCells(edited, given, seen, workloadsOf(spec)) : [];
    const rows = editRows(edited, left);
    return sameRows(rows, inForce) ? null : rows;
  }

  /** A plan that is under way goes no further. */
  drop(key: ObjectKey, why: string): void {
    const one = this.#managed.get(key);
    if (one?.course == null) return;
    one.course = null;
    this.#tell(key, one, [
      { type: 'Warning', reason: 'PlanDropped', note: `the rest of the plan is dropped, since ${why}` },
    ]);
  }

  /** Clients are worse off since the last change: where instances are going, or have gone, they come back from. */
  takeBack(key: ObjectKey, now: number): void {
    const one = this.#managed.get(key);
    if (one === undefined) return;
    this.drop(key, WORSE_OFF);
    one.back = one.before === null ? null : { to: one.before, until: now + GOING_BACK };
    one.before = null;
  }

  /** Nobody is worse off since the last change. */
  accept(key: ObjectKey): void {
    const one = this.#managed.get(key);
    if (one !== undefined && one.course === null) one.before = null;
  }

  /** Looks for a better placement, or for the way back to the one before, and begins to carry it out. */
  async decide(key: ObjectKey, inputs: DecideInputs, { solve, isSame, still }: Deciding): Promise<void> {
    const { spec } = inputs;
    const one = this.#of(key);
    const found = this.#workloads.seen(key, spec);
    if (!found.ok) return void (one.why = `instances stay: ${found.whyNot.message}`);
    const { seen } = found;
    for (const [workload, until] of one.holds) if (until <= seen.now) one.holds.delete(workload);
    if (one.back !== null && (one.back.until <= seen.now || spec.mode !== 'Auto')) one.back = null;
    const wanted = one.back?.to ?? null;
    const posed = instancesProblem({ ...inputs, seen, wanted, isHeld: (workload) => one.holds.has(workload) });
    if (!posed.ok) return void (one.why = `instances stay: ${posed.lacks.join('; ')}`);
    const result = await solve(posed.problem);
    if (wanted !== null) {
      if (isSame()) this.#goBack(one, result, spec, seen);
      return;
    }
    const { standing, isWorth, why, gain } = worthChanging(one.standing, posed.problem, result, seen);
    one.standing = standing;
    one.changes = placedChanges(result, spec);
    const not = isSame() ? still : 'the object was edited';
    one.why = [why, ...(isWorth && not !== null ? [not] : []), ...heldText(one.holds)].join('; ');
    if (!isWorth || not !== null) return;
    this.#begin(one, result, spec, seen, gain);
    one.before = new Map(one.moving.map((name) => [name, hostsOf(seen.workloads.get(name)!)]));
    one.standing = { ...standing, better: NEW_STANDING.better };
  }

  #goBack(one: Managed, result: Result, spec: AppWeightMatrixSpec, seen: Seen): void {
    one.changes = placedChanges(result, spec);
    one.why = result.dropped.length === 0 ? BACK : `instances stay: ${result.dropped[0]!.reason}`;
    if (result.changes.length === 0) return;
    this.#begin(one, result, spec, seen, WORSE_OFF);
    one.back = null;
  }

  #begin(one: Managed, result: Result, spec: AppWeightMatrixSpec, seen: Seen, gain: string): void {
    one.course = courseOf(result, columnsOf(spec), seen, gain);
    one.moving = [...new Set(result.changes.map(({ workload }) => workload))];
  }

  #of(key: ObjectKey): Managed {
    const known = this.#managed.get(key);
    if (known !== undefined) return known;
    const one: Managed = {
      course: null,
      standing: NEW_STANDING,
      holds: new Map(),
      why: NOT_YET,
      changes: [],
      counts: NONE,
      moving: [],
      before: null,
      back: null,
    };
    this.#managed.set(key, one);
    return one;
  }

  #ended(one: Managed, { now, workloads }: Seen): void {
    for (const name of one.moving) {
      const seconds = workloads.get(name)?.startSeconds ?? 0;
      one.holds.set(name, now + Math.max(HOLD, 1000 * seconds + SETTLING));
    }
  }

  #tell(key: ObjectKey, one: Managed, news: readonly News[]): void {
    const last = news.at(-1);
    if (last === undefined) return;
    one.why = last.note;
    const count = (word: News['reason']) => news.filter(({ reason }) => reason === word).length;
    one.counts = {
      starts: one.counts.starts + count('Started'),
      stops: one.counts.stops + count('Stopped'),
      dropped: one.counts.dropped + count('PlanDropped'),
    };
    this.#workloads.tell(key, news);
  }
}

function heldText(holds: ReadonlyMap<string, number>): string[] {
  if (holds.size === 0) return [];
  const until = new Date(Math.max(...holds.values())).toISOString().replace(/\.\d+Z$/, 'Z');
  return [`left alone after the last plan, until ${until} at most: ${[...holds.keys()].join(', ')}`];
}

/** What nothing is waited for of. */
const NOTHING: Served = { isQuiesced: () => false, inFlight: () => null };

function whyNotOf({ workloads }: Seen): WhyNot | null {
  const found = [...workloads.values()].flatMap(({ whyNot }) => whyNot ?? []);
  const [first] = found;
  if (first === undefined) return null;
  return { reason: first.reason, message: `weights alone: ${found.map(({ message }) => message).join('; ')}` };
}

/** By app, its workload. */
function workloadsOf({ apps }: AppWeightMatrixSpec): Map<string, string> {
  return new Map(
    apps.flatMap(({ name, workloadRef }) => (workloadRef === undefined ? [] : [[name, workloadRef.name]])),
  );
}

/** By workload, its apps. */
function columnsOf(spec: AppWeightMatrixSpec): Map<string, string[]> {
  const apps = Map.groupBy(workloadsOf(spec), ([, workload]) => workload);
  return new Map([...apps].map(([workload, of]) => [workload, of.map(([app]) => app)]));
}

function placedChanges({ changes }: Result, spec: AppWeightMatrixSpec): PlacedChange[] {
  const columns = columnsOf(spec);
  return changes.map(({ op, workload, host, reason }) => ({
    op: op === 'start' ? 'Start' : 'Stop',
    app: columns.get(workload)?.[0] ?? workload,
    server: host,
    reason,
  }));
}
