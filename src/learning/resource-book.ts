/** Costs and conflicts of a matrix' workloads, from what their instances used and what they answered meanwhile. */
import type { ObjectKey } from '../model/snapshot.ts';
import { addConflictWindow, busiest, type ConflictBook, conflictsOf, newConflictBook } from './conflict.ts';
import { addIdle, addUse, type CostBook, type Costs, costsOf, newCostBook } from './cost.ts';
import type { Estimate } from './figure.ts';
import type { CellWindow } from './windows.ts';

/** What all instances of a workload on a server used since the reading before. */
export interface Use {
  readonly server: ObjectKey;
  readonly workload: string;
  readonly seconds: number;
  /** Core-seconds, bytes. */
  readonly amounts: Readonly<Record<string, number>>;
}

/** Apps of a matrix by the workload that runs them, and where. */
export interface WorkloadGiven {
  readonly workload: string;
  readonly apps: readonly string[];
  readonly servers: readonly ObjectKey[];
}

export interface WorkloadBook {
  readonly costs: Map<string, CostBook>;
  readonly conflicts: Map<string, ConflictBook>;
  /** Most requests in flight on a server, in a window. */
  busiest: number;
}

/** Workloads whose pressure on another one is looked for: those that share most servers with it. */
const MOST_NEIGHBOURS = 8;
/** Milliseconds for which what was solved stands, and in how many parts they are spread: not all are due at once. */
const STANDING = 60_000;
const SPREAD = 16;

/** Of answers whose mean time is remembered. */
const MOST_ANSWERS = 1000;

interface Sums {
  arrivals: number;
  answered: number;
  seconds: number;
}

interface MeanSeconds {
  count: number;
  mean: number;
}

export class ResourceBook {
  readonly workloads = new Map<string, WorkloadBook>();
  /** By server and app, since the last uses. */
  readonly #cells = new Map<string, Sums>();
  /** By workload, then app: what its answers take in the mean, on all servers. */
  readonly #seconds = new Map<string, Map<string, MeanSeconds>>();
  /** Workloads of servers, with a space between, of which nothing was asked in the window before. */
  #resting = new Set<string>();
  readonly #solved = new Map<string, { readonly until: number; readonly costs: WorkloadCosts | null }>();

  add(windows: readonly CellWindow[]): void {
    for (const { server, app, arrivals, answered, seconds } of windows) {
      if (arrivals === 0 && answered === 0) continue;
      const key = `${server} ${app}`;
      const sums = this.#cells.get(key);
      if (sums === undefined) this.#cells.set(key, { arrivals, answered, seconds });
      else {
        sums.arrivals += arrivals;
        sums.answered += answered;
        sums.seconds += seconds;
      }
    }
  }

  /** @param uses of all workloads that are measured, of one time; takes what was added since the ones before with it */
  addUses(given: readonly WorkloadGiven[], uses: readonly Use[], now: number): void {
    // Requests in flight by server, then workload: as many as those that were answered are with the time that they take in
    // the mean. With the time that they took, who has larger requests than usual would use more, and be in flight longer, and
    // hold up its neighbours: a conflict, and growth, where there is none.
    const inflight = new Map<ObjectKey, Map<string, number>>();
    const apps = new Map(given.map((each) => [each.workload, each]));
    const most = new Map<string, { readonly seconds: number; readonly inflight: number }>();
    for (const { workload, server } of uses) this.#takeSeconds(workload, server, apps.get(workload)?.apps ?? []);
    for (const { server, workload, seconds } of uses) {
      const busy = (apps.get(workload)?.apps ?? []).reduce(
        (sum, app) => sum + this.#at(server, app).answered * (this.#seconds.get(workload)?.get(app)?.mean ?? 0),
        0,
      );
      const here = inflight.get(server) ?? new Map<string, number>();
      inflight.set(server, here.set(workload, busy / seconds));
      most.set(workload, { seconds, inflight: Math.max(most.get(workload)?.inflight ?? 0, busy / seconds) });
    }
    for (const [workload, here] of most) {
      const book = this.#workload(workload);
      book.busiest = busiest(book.busiest, here.inflight, here.seconds);
    }
    // One for all servers: what they show now counts from the next time on.
    const costs = new Map<CostBook, Costs | null>();
    const neighbours = new Map<string, readonly string[]>();
    const resting = new Set<string>();
    for (const use of uses) {
      const workload = apps.get(use.workload);
      if (workload === undefined) continue;
      const beside = neighbours.get(use.workload) ?? neighboursOf(use.workload, given);
      neighbours.set(use.workload, beside);
      const place = `${use.server} ${use.workload}`;
      const rests = workload.apps.every((app) => this.#at(use.server, app) === NOTHING);
      if (rests) resting.add(place);
      // What came before may be at work still.
      if (rests && this.#resting.has(place)) this.#addIdle(workload, use, now);
      else this.#addUse(workload, beside, use, inflight.get(use.server)!, costs, now);
    }
    this.#resting = resting;
    this.#cells.clear();
  }

  /** Forgets workloads that there are not any more. */
  prune(present: ReadonlySet<string>): void {
    for (const workload of this.workloads.keys()) if (!present.has(workload)) this.workloads.delete(workload);
    for (const workload of this.#seconds.keys()) if (!present.has(workload)) this.#seconds.delete(workload);
    for (const key of this.#solved.keys()) if (!present.has(key.split('\n', 1)[0]!)) this.#solved.delete(key);
  }

  /** As they were solved for within the last minute or two. */
  costsOf(workload: string, resource: string, now: number): WorkloadCosts | null {
    const key = `${workload}\n${resource}`;
    const solved = this.#solved.get(key);
    if (solved !== undefined && now < solved.until) return solved.costs;
    const costs = this.#solve(workload, resource);
    const until = now + STANDING * (1 + (this.#solved.size % SPREAD) / SPREAD);
    // Few windows are soon more.
    if (costs !== null) this.#solved.set(key, { until, costs });
    return costs;
  }

  #solve(workload: string, resource: string): WorkloadCosts | null {
    const book = this.workloads.get(workload);
    const [cost, conflict] = [book?.costs.get(resource), book?.conflicts.get(resource)];
    const costs = cost === undefined ? null : costsOf(cost);
    if (cost === undefined || costs === null) return null;
    const means = cost.apps.map((app) => costs.byApp.get(app)?.value ?? 0);
    const conflicts = conflict === undefined ? null : conflictsOf(conflict, means);
    return {
      idle: costs.idle,
      byApp: costs.byApp,
      alone: new Map([...costs.byApp].map(([app, each]) => [app, aloneOf(each, conflicts?.alone.get(app))])),
      growth: conflicts?.growth ?? null,
      factors: conflicts?.factors ?? new Map<string, Estimate>(),
    };
  }

  #takeSeconds(workload: string, server: ObjectKey, apps: readonly string[]): void {
    const known = this.#seconds.get(workload) ?? new Map<string, MeanSeconds>();
    this.#seconds.set(workload, known);
    for (const app of apps) {
      const { answered, seconds } = this.#at(server, app);
      if (answered === 0) continue;
      const mean = known.get(app) ?? { count: 0, mean: 0 };
      mean.count = Math.min(MOST_ANSWERS, mean.count + answered);
      mean.mean += Math.min(1, answered / mean.count) * (seconds / answered - mean.mean);
      known.set(app, mean);
    }
  }

  #addIdle({ workload, apps }: WorkloadGiven, { seconds, amounts }: Use, now: number): void {
    const { costs } = this.#workload(workload);
    for (const [resource, amount] of Object.entries(amounts))
      addIdle(costBook(costs, resource, apps), amount, seconds, now);
  }

  #addUse(
    { workload, apps }: WorkloadGiven,
    neighbours: readonly string[],
    { server, seconds, amounts }: Use,
    inflight: ReadonlyMap<string, number>,
    known: Map<CostBook, Costs | null>,
    now: number,
  ): void {
    const book = this.#workload(workload);
    const answered = apps.map((app) => this.#at(server, app).answered);
    const total = answered.reduce((sum, each) => sum + each, 0);
    for (const [resource, amount] of Object.entries(amounts)) {
      const cost = costBook(book.costs, resource, apps);
      if (!known.has(cost)) known.set(cost, costsOf(cost));
      const costs = known.get(cost) ?? null;
      addUse(cost, amount, answered, seconds, now);
      if (costs === null || total === 0) continue;
      const expected = apps.reduce((sum, app, at) => sum + answered[at]! * (costs.byApp.get(app)?.value ?? 0), 0);
      if (expected <= 0) continue;
      const conflict = fitting(
        book.conflicts,
        resource,
        (before) => isSame(before.apps, apps) && isSame(before.neighbours, neighbours),
        () => newConflictBook(apps, neighbours),
      );
      const window = {
        server,
        use: amount,
        answered,
        expected,
        inflight: [...inflight.values()].reduce((sum, each) => sum + each, 0),
        pressure: neighbours.map((name) => {
          const most = this.workloads.get(name)?.busiest ?? 0;
          return most === 0 ? 0 : Math.min(1, (inflight.get(name) ?? 0) / most);
        }),
      };
      addConflictWindow(conflict, window, seconds, now);
    }
  }

  #at(server: ObjectKey, app: string): Readonly<Sums> {
    return this.#cells.get(`${server} ${app}`) ?? NOTHING;
  }

  #workload(name: string): WorkloadBook {
    let book = this.workloads.get(name);
    if (book === undefined) this.workloads.set(name, (book = { costs: new Map(), conflicts: new Map(), busiest: 0 }));
    return book;
  }
}

export interface WorkloadCosts {
  readonly idle: Estimate;
  /** Of one request, as things are. */
  readonly byApp: ReadonlyMap<string, Estimate>;
  /** With nothing else in flight at its server; as `byApp` as long as nothing else is known. */
  readonly alone: ReadonlyMap<string, Estimate>;
  readonly growth: Estimate | null;
  readonly factors: ReadonlyMap<string, Estimate>;
}

const NOTHING: Sums = { arrivals: 0, answered: 0, seconds: 0 };

function neighboursOf(workload: string, given: readonly WorkloadGiven[]): string[] {
  const own = new Set(given.find((each) => each.workload === workload)?.servers);
  const shared = given.map((each) => ({
    name: each.workload,
    count: each.workload === workload ? 0 : each.servers.filter((server) => own.has(server)).length,
  }));
  return shared
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, MOST_NEIGHBOURS)
    .map(({ name }) => name)
    .toSorted();
}

function costBook(all: Map<string, CostBook>, resource: string, apps: readonly string[]): CostBook {
  return fitting(
    all,
    resource,
    ({ apps: before }) => isSame(before, apps),
    () => newCostBook(apps),
  );
}

/** The one that is there, if it still fits; else a new one in its place. */
function fitting<T>(all: Map<string, T>, key: string, fits: (one: T) => boolean, make: () => T): T {
  const before = all.get(key);
  if (before !== undefined && fits(before)) return before;
  const made = make();
  all.set(key, made);
  return made;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}

/** Of little work the mean cost is known before that of a request alone is; what is bound to 0 is not known at all. */
function aloneOf(mean: Estimate, alone: Estimate | undefined): Estimate {
  return alone !== undefined && alone.value > 0 ? { ...alone, count: mean.count, at: mean.at } : mean;
}
