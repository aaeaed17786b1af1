/** All that is being learned, by matrix, app and server. */
import type { CellLevels } from '../model/levels.ts';
import type {
  AppProfile,
  CellProfile,
  Concurrency,
  Figure,
  Figures,
  MatrixProfile,
  WorkloadProfile,
} from '../model/profiles.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import { addLevels, type ConcurrencyFit, fitConcurrency, type LevelBook, newLevelBook, pooled } from './concurrency.ts';
import { addArrivals, type Demand, demandOf, newDemand } from './demand.ts';
import { classMean, type Estimate, given, isExpired, learned } from './figure.ts';
import { addToMean, type Mean, meanOf, newMean } from './mean.ts';
import { ResourceBook, type Use, type WorkloadCosts, type WorkloadGiven } from './resource-book.ts';
import { type CellWindow, namesOf } from './windows.ts';

export interface CellBook {
  readonly seconds: Mean;
  readonly levels: LevelBook;
}

export interface AppBook {
  readonly demand: Demand;
  readonly seconds: Mean;
  /** Part of the tries that failed, each as 0 or 1. */
  readonly failures: Mean;
  readonly cells: Map<ObjectKey, CellBook>;
}

/** What the object says of an app. */
export interface AppGiven {
  readonly app: string;
  readonly servers: readonly ObjectKey[];
  /** Requests per second; null: it does not say. */
  readonly rate: number | null;
  /** Of one request, by resource: core-seconds, bytes; only what it says. */
  readonly cost: Readonly<Record<string, number>>;
}

export interface MatrixGiven {
  readonly matrix: ObjectKey;
  /** Seconds between two decisions. */
  readonly interval: number;
  readonly apps: readonly AppGiven[];
  readonly workloads: readonly WorkloadGiven[];
}

export class ProfileBook {
  readonly #usesAreLate: boolean;
  readonly matrices = new Map<ObjectKey, Map<string, AppBook>>();
  readonly resources = new Map<ObjectKey, ResourceBook>();

  /** @param usesAreLate what instances used is known only long after: what they answered meanwhile comes with it */
  constructor({ usesAreLate = false } = {}) {
    this.#usesAreLate = usesAreLate;
  }

  /**
   * @param windows of all cells at which anything happened
   * @param seconds length of the windows, above 0
   * @param now milliseconds since 1970
   * @param interval seconds between two decisions of a matrix
   */
  add(windows: Iterable<CellWindow>, seconds: number, now: number, interval: (matrix: ObjectKey) => number): void {
    const arrivals = new Map<AppBook, number>();
    const measured = this.#measured();
    for (const window of windows) {
      measured.get(window.matrix)?.push(window);
      const app = this.#app(window.matrix, window.app);
      arrivals.set(app, (arrivals.get(app) ?? 0) + window.arrivals);
      addWindow(app, window, now);
    }
    for (const [matrix, apps] of this.matrices) {
      for (const app of apps.values()) {
        addArrivals(app.demand, arrivals.get(app) ?? 0, seconds, now, interval(matrix));
      }
    }
    for (const [matrix, own] of measured) this.resources.get(matrix)?.add(own);
  }

  /**
   * Where levels are known apart from windows: what was seen of cells at which anything was answered.
   * @param shortest seconds that requests take there in the mean; where they take less, it is not believed
   */
  addLevels(cells: readonly CellLevels[], shortest: number, now: number): void {
    for (const { row, server, levels } of cells) {
      const { matrix, app } = namesOf(row);
      const cell = this.matrices.get(matrix)?.get(app)?.cells.get(server);
      if (cell !== undefined && cell.seconds.mean >= shortest) addLevels(cell.levels, levels, now);
    }
  }

  /** By matrix, where windows of those go whose instances' use is counted as they are. */
  #measured(): Map<ObjectKey, CellWindow[]> {
    return new Map(this.#usesAreLate ? [] : [...this.resources.keys()].map((matrix) => [matrix, []]));
  }

  /**
   * What the instances of a matrix' workloads used since the call before.
   * @param answered where uses are late: what was answered in their windows
   */
  addUses(
    { matrix, workloads }: MatrixGiven,
    uses: readonly Use[],
    now: number,
    answered: readonly CellWindow[] = [],
  ): void {
    if (this.#usesAreLate && !this.resources.has(matrix)) this.resources.set(matrix, new ResourceBook());
    const book = this.resources.get(matrix);
    book?.add(answered);
    if (book !== undefined) book.addUses(workloads, uses, now);
    // What was answered meanwhile has not been added up: it begins here.
    else if (uses.length > 0) this.resources.set(matrix, new ResourceBook());
  }

  /** Forgets what no object names any more and what has not been seen for a day. */
  prune(objects: readonly MatrixGiven[], now: number): void {
    const known = new Map(objects.map(({ matrix, apps }) => [matrix, new Set(apps.map(({ app }) => app))]));
    for (const [matrix, apps] of this.matrices) {
      for (const [name, app] of apps) {
        for (const [server, { levels, seconds }] of app.cells) {
          if (isExpired(Math.max(seconds.at, ...levels.at), now)) app.cells.delete(server);
        }
        if (known.get(matrix)?.has(name) !== true && isExpired(app.demand.at, now)) apps.delete(name);
      }
      if (apps.size === 0) this.matrices.delete(matrix);
    }
    const workloads = new Map(objects.map((each) => [each.matrix, new Set(each.workloads.map((one) => one.workload))]));
    for (const [matrix, book] of this.resources) {
      if (workloads.has(matrix)) book.prune(workloads.get(matrix)!);
      else this.resources.delete(matrix);
    }
  }

  /** @param cells whether each server of an app is looked at by itself, too: that is most of the work */
  profile({ matrix, interval, apps, workloads }: MatrixGiven, now: number, cells = true): MatrixProfile {
    const books = this.matrices.get(matrix);
    const costs = this.#costs(matrix, workloads, now);
    const known = apps.map((app) => {
      const workload = workloads.find((each) => each.apps.includes(app.app))?.workload ?? '';
      const profile = appProfile(app, books?.get(app.app), costs.get(workload) ?? NO_COSTS, interval, now);
      return cells ? { ...profile, cells: cellProfiles(app, books?.get(app.app), profile, now) } : profile;
    });
    const seconds = classMean(known.map((app) => app.seconds));
    return {
      matrix,
      apps: known.map((app) => (app.seconds === null ? { ...app, seconds } : app)),
      workloads: [...costs].map(([workload, each]) => ({
        ...workloadProfile(workload, each, now),
        busiest: this.resources.get(matrix)?.workloads.get(workload)?.busiest ?? 0,
      })),
    };
  }

  /** By row id and server, with a line break between: the number in flight at which throughput peaks, where it is known. */
  limits(now: number): Map<string, number> {
    const limits = new Map<string, number>();
    for (const [matrix, apps] of this.matrices) {
      for (const [app, { cells }] of apps) {
        for (const [server, { levels }] of cells) {
          const fit = fitConcurrency(levels, now);
          if (fit?.peaked === true) limits.set(`matrix ${matrix} ${app}\n${server}`, fit.limit.value);
        }
      }
    }
    return limits;
  }

  /** Of the workloads of which there are any. */
  #costs(matrix: ObjectKey, workloads: readonly WorkloadGiven[], now: number): Map<string, CostsByResource> {
    const book = this.resources.get(matrix);
    const all = workloads.flatMap(({ workload }): [string, CostsByResource][] => {
      const resources = book?.workloads.get(workload)?.costs.keys() ?? [];
      const known = [...resources].flatMap((resource): [string, WorkloadCosts][] => {
        const costs = book?.costsOf(workload, resource, now) ?? null;
        return costs === null ? [] : [[resource, costs]];
      });
      return known.length === 0 ? [] : [[workload, new Map(known)]];
    });
    return new Map(all);
  }

  #app(matrix: ObjectKey, name: string): AppBook {
    let apps = this.matrices.get(matrix);
    if (apps === undefined) this.matrices.set(matrix, (apps = new Map<string, AppBook>()));
    let app = apps.get(name);
    if (app === undefined) {
      app = { demand: newDemand(), seconds: newMean(), failures: newMean(), cells: new Map() };
      apps.set(name, app);
    }
    return app;
  }
}

function addWindow(app: AppBook, window: CellWindow, now: number): void {
  const { arrivals, answered, seconds, failures, levels, server } = window;
  // A failure that was an answer is among those, too: of class 5xx.
  const tries = Math.max(answered, failures);
  addToMean(app.failures, failures / Math.max(1, tries), tries, now);
  let cell = app.cells.get(server);
  // What others do at an endpoint that they share with a cell that has had nothing yet says nothing of it.
  if (answered === 0 && (levels === null || (cell === undefined && arrivals === 0))) return;
  if (cell === undefined) app.cells.set(server, (cell = { seconds: newMean(), levels: newLevelBook() }));
  addToMean(app.seconds, seconds / answered, answered, now);
  addToMean(cell.seconds, seconds / answered, answered, now);
  if (levels !== null) addLevels(cell.levels, levels, now);
}

type CostsByResource = ReadonlyMap<string, WorkloadCosts>;
const NO_COSTS: CostsByResource = new Map();

const NOTHING: Figure = { value: 0, source: 'default', count: 0, error: 0, upper: 0, age: null };

function appProfile(
  app: AppGiven,
  book: AppBook | undefined,
  costs: CostsByResource,
  interval: number,
  now: number,
): AppProfile {
  const learnedDemand = book === undefined ? null : learned(demandOf(book.demand, interval), now);
  const demand = app.rate === null ? (learnedDemand ?? NOTHING) : given(app.rate);
  const seconds = book === undefined ? null : learned(meanOf(book.seconds), now);
  const books = app.servers.flatMap((server) => book?.cells.get(server)?.levels ?? []);
  const concurrency = concurrencyOf(fitConcurrency(pooled(books), now), now);
  const failures = book === undefined ? 0 : book.failures.mean;
  return {
    app: app.app,
    demand,
    cost: costOf(app, costs, now),
    ...(costs.size === 0 ? {} : { alone: figures(costs, ({ alone }) => alone.get(app.app) ?? null, now) }),
    seconds,
    failures,
    concurrency,
    cells: [],
  };
}

/** What the object says, and what was learned of what it says nothing of. */
function costOf({ app, cost }: AppGiven, costs: CostsByResource, now: number): Figures {
  const said = Object.entries(cost).map(([resource, amount]): [string, Figure] => [resource, given(amount)]);
  const own = figures(costs, ({ byApp }) => byApp.get(app) ?? null, now);
  // One that needs nothing of anything was seen too seldom to be told from the workload's other classes.
  const isKnown = Object.values(own).some(({ value }) => value > 0);
  return { ...(isKnown ? own : likeOthers(costs, now)), ...Object.fromEntries(said) };
}

/** The mean of the workload's classes of which anything is known. */
function likeOthers(costs: CostsByResource, now: number): Figures {
  const means = [...costs].flatMap(([resource, { byApp }]): [string, Figure][] => {
    const mean = classMean([...byApp.values()].filter(({ value }) => value > 0).map((each) => learned(each, now)));
    return mean === null ? [] : [[resource, mean]];
  });
  return Object.fromEntries(means);
}

function workloadProfile(workload: string, costs: CostsByResource, now: number): Omit<WorkloadProfile, 'busiest'> {
  const conflicts = [...costs].flatMap(([resource, { factors }]) =>
    [...factors].flatMap(([neighbour, estimate]) => {
      const factor = learned(estimate, now);
      return factor === null ? [] : [{ with: neighbour, resource, factor }];
    }),
  );
  const [idle, growth] = [figures(costs, (each) => each.idle, now), figures(costs, (each) => each.growth, now)];
  return { workload, idle, growth, conflicts };
}

function figures(costs: CostsByResource, of: (each: WorkloadCosts) => Estimate | null, now: number): Figures {
  const known = [...costs].flatMap(([resource, each]): [string, Figure][] => {
    const figure = learned(of(each), now);
    return figure === null ? [] : [[resource, figure]];
  });
  return Object.fromEntries(known);
}

function cellProfiles(
  { servers }: AppGiven,
  book: AppBook | undefined,
  { seconds, concurrency }: AppProfile,
  now: number,
): CellProfile[] {
  return servers.map((server) => likeApp(cellProfile(server, book?.cells.get(server), now), seconds, concurrency));
}

function cellProfile(server: ObjectKey, book: CellBook | undefined, now: number): CellProfile {
  if (book === undefined) return { server, seconds: null, concurrency: null };
  return {
    server,
    seconds: learned(meanOf(book.seconds), now),
    concurrency: concurrencyOf(fitConcurrency(book.levels, now), now),
  };
}

/** Where nothing is known of a cell, what is known of its app on other servers stands in. */
function likeApp(cell: CellProfile, seconds: Figure | null, concurrency: Concurrency | null): CellProfile {
  return {
    server: cell.server,
    seconds: cell.seconds ?? asDefault(seconds),
    concurrency:
      cell.concurrency ?? (concurrency === null ? null : { ...concurrency, limit: asDefault(concurrency.limit)! }),
  };
}

function asDefault(figure: Figure | null): Figure | null {
  return figure === null ? null : { ...figure, source: 'default', count: 0, age: null };
}

function concurrencyOf(fit: ConcurrencyFit | null, now: number): Concurrency | null {
  const limit = fit === null ? null : learned(fit.limit, now);
  if (fit === null || limit === null) return null;
  const { inflight, peaked, coefficients, knee, seen, known } = fit;
  return { inflight, limit, peaked, coefficients, knee, seen, known };
}
