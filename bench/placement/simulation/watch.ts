/**
 * What a proxy and the control groups of instances would have counted of a simulated run, second by second, into a book of
 * profiles: what the product learns from (src/standalone/learner.ts), here with a clock that is simulated.
 */
import type { MatrixGiven, ProfileBook } from '../../../src/learning/profile-book.ts';
import type { Use } from '../../../src/learning/resource-book.ts';
import type { CellWindow } from '../../../src/learning/windows.ts';
import { type LevelSums, levelOf, noLevels } from '../../../src/model/levels.ts';
import type { Cell } from '../../../src/simulation/dispatcher.ts';
import type { Observer } from '../../../src/simulation/observer.ts';
import type { World } from '../../../src/simulation/world.ts';
import type { Document } from '../instances.ts';

/** Seconds of a window, and windows after which it is looked at what instances used: the learner's. */
const WINDOW = 1;
const USAGE = 5;
const RESOURCES = ['cpu', 'io'] as const;

interface Counted {
  arrivals: number;
  answered: number;
  seconds: number;
  timeouts: number;
  inflight: number;
  /** Since when so many are in flight. */
  since: number;
  levels: LevelSums | null;
}

export class Watch implements Observer {
  readonly #world: World;
  readonly #document: Document;
  readonly #cells: readonly Cell[];
  readonly #given: MatrixGiven;
  readonly #book: ProfileBook;
  /** Seconds of the book's clock at which the run begins. */
  readonly #start: number;
  readonly #counted: readonly Counted[];
  /** By column, the cell to which those are counted that none took. */
  readonly #first: readonly number[];
  /** [(h * R + r) * W + a]: requests that use a resource now, and resource-seconds that were used. */
  readonly #jobs: Int32Array;
  readonly #used: Float64Array;
  /** [h * R + r]: all of these requests, and when it was last added up what they use. */
  readonly #all: Int32Array;
  readonly #at: Float64Array;
  #windows = 0;

  constructor(
    of: { readonly world: World; readonly document: Document; readonly cells: readonly Cell[] },
    book: ProfileBook,
    start: number,
  ) {
    const { world, document, cells } = of;
    this.#world = world;
    this.#document = document;
    this.#cells = cells;
    this.#book = book;
    this.#start = start;
    this.#given = givenOf(document, cells);
    this.#counted = cells.map(() => ({
      arrivals: 0,
      answered: 0,
      seconds: 0,
      timeouts: 0,
      inflight: 0,
      since: 0,
      levels: null,
    }));
    this.#first = document.columns.map((_, column) => cells.findIndex((cell) => cell.column === column));
    const { hostCount: H, resourceCount: R, workloadCount: W } = world;
    this.#jobs = new Int32Array(H * R * W);
    this.#used = new Float64Array(H * R * W);
    this.#all = new Int32Array(H * R);
    this.#at = new Float64Array(H * R);
  }

  get given(): MatrixGiven {
    return this.#given;
  }

  came(column: number, slot: number, now: number): void {
    this.#upTo(now);
    const counted = this.#counted[slot < 0 ? this.#first[column]! : slot];
    if (counted !== undefined) counted.arrivals++;
  }

  sent(slot: number, now: number): void {
    this.#upTo(now);
    this.#levels(slot, now);
    this.#counted[slot]!.inflight++;
  }

  answered(slot: number, seconds: number, now: number): void {
    this.#upTo(now);
    this.#levels(slot, now);
    const counted = this.#counted[slot]!;
    counted.levels!.answers[levelOf(counted.inflight)]!++;
    counted.answered++;
    counted.seconds += seconds;
    counted.inflight--;
  }

  left(slot: number, now: number): void {
    this.#upTo(now);
    this.#levels(slot, now);
    this.#counted[slot]!.timeouts++;
    this.#counted[slot]!.inflight--;
  }

  began(host: number, resource: number, workload: number, now: number): void {
    this.#change(host, resource, workload, now, 1);
  }

  ended(host: number, resource: number, workload: number, now: number): void {
    this.#change(host, resource, workload, now, -1);
  }

  #change(host: number, resource: number, workload: number, now: number, by: 1 | -1): void {
    this.#upTo(now);
    const at = host * this.#world.resourceCount + resource;
    this.#use(at, now);
    this.#jobs[at * this.#world.workloadCount + workload]! += by;
    this.#all[at]! += by;
  }

  /** A processor is used by who holds it, however little it gets done there: what growth costs is accounted for, too. */
  #use(at: number, now: number): void {
    const { capacity, most, resourceCount: R, workloadCount: W } = this.#world;
    const passed = now - this.#at[at]!;
    this.#at[at] = now;
    const all = this.#all[at]!;
    if (all === 0 || passed <= 0) return;
    const each = passed * Math.min(most[at % R]!, capacity[at]!, capacity[at]! / all);
    for (let a = 0; a < W; a++) this.#used[at * W + a]! += each * this.#jobs[at * W + a]!;
  }

  #levels(slot: number, now: number): void {
    const counted = this.#counted[slot]!;
    counted.levels ??= noLevels();
    if (counted.inflight > 0) counted.levels.seconds[levelOf(counted.inflight)]! += now - counted.since;
    counted.since = now;
  }

  /** Ends the windows that are over by then. */
  #upTo(now: number): void {
    while ((this.#windows + 1) * WINDOW <= now) {
      const end = ++this.#windows * WINDOW;
      const at = 1000 * (this.#start + end);
      this.#book.add(this.#window(end), WINDOW, at, () => this.#given.interval);
      if (this.#windows % USAGE === 0) this.#book.addUses(this.#given, this.#uses(end), at);
    }
  }

  #window(end: number): CellWindow[] {
    const { columns, hosts } = this.#document;
    return this.#counted.flatMap((counted, slot): CellWindow[] => {
      if (counted.inflight > 0) this.#levels(slot, end);
      const { arrivals, answered, seconds, timeouts, levels } = counted;
      if (levels === null && arrivals === 0) return [];
      Object.assign(counted, { arrivals: 0, answered: 0, seconds: 0, timeouts: 0, levels: null });
      const { host, column } = this.#cells[slot]!;
      const name = { matrix: MATRIX, app: columns[column]!.name, server: hosts[host]!.name };
      return [{ ...name, arrivals, answered, seconds, failures: timeouts, timeouts, levels }];
    });
  }

  #uses(end: number): Use[] {
    const { hosts, workloads } = this.#document;
    const { resourceCount: R, workloadCount: W, accepts } = this.#world;
    return hosts.flatMap(({ name: server }, h) => {
      for (let r = 0; r < R; r++) this.#use(h * R + r, end);
      return workloads.flatMap(({ name: workload }, a): Use[] => {
        if (accepts[h * W + a] === 0) return [];
        const amounts = Object.fromEntries(
          RESOURCES.map((resource, r) => {
            const at = (h * R + r) * W + a;
            const used = this.#used[at]!;
            this.#used[at] = 0;
            return [resource, used];
          }),
        );
        return [{ server, workload, seconds: USAGE * WINDOW, amounts }];
      });
    });
  }
}

const MATRIX = 'simulation/matrix';

function givenOf({ hosts, workloads, columns }: Document, cells: readonly Cell[]): MatrixGiven {
  const servers = columns.map((_, column) =>
    cells.filter((cell) => cell.column === column).map(({ host }) => hosts[host]!.name),
  );
  return {
    matrix: MATRIX,
    interval: 60,
    apps: columns.map(({ name }, at) => ({ app: name, servers: servers[at]!, rate: null, cost: {} })),
    workloads: workloads.map(({ name }) => ({
      workload: name,
      apps: columns.filter(({ workload }) => workload === name).map((column) => column.name),
      servers: [...new Set(columns.flatMap(({ workload }, at) => (workload === name ? servers[at]! : [])))],
    })),
  };
}
