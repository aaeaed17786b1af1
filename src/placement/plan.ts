/**
 * The way from what runs now to what shall run: starts and stops in an order in which every state on the way holds
 * (placement.md 5): memory, capacity, minimum instances; the value served is not below the lesser of before and after; and no
 * column is below the lesser of what it has before and the part of its demand that all are sure of afterwards.
 *
 * A workload's new instances are started before its old ones are stopped. Only where two others of it are ready may an
 * instance go first. Where that leaves two waiting for each other's place, one goes where there is room; what has no way is
 * dropped, and the reason is told.
 */
import type { Model } from './model.ts';
import { byDensity, byWorth } from './search/deficits.ts';
import { Flow } from './search/flow.ts';
import { Residual } from './search/residual.ts';
import { shed } from './search/shed.ts';
import { warmStart } from './search/warm-start.ts';
import { NONE, type State } from './state/state.ts';

export interface Change {
  readonly op: 'start' | 'stop';
  readonly host: number;
  readonly workload: number;
}

export interface CellRate {
  readonly host: number;
  readonly column: number;
  readonly rate: number;
}

export interface Step extends Change {
  /** Cells whose load changes: once the instance is ready, or before it is stopped. */
  readonly shift: readonly CellRate[];
}

export interface Dropped extends Change {
  readonly reason: string;
}

export interface Plan {
  /** Instances that may not stay where they are: forbidden, or more than the host has room for. They go first. */
  readonly forced: readonly Change[];
  /** Loads after the forced stops. */
  readonly first: readonly CellRate[];
  readonly steps: readonly Step[];
  readonly dropped: readonly Dropped[];
  /** Whether it ends as it was wanted. */
  readonly asWanted: boolean;
  /** What runs when all steps are done; its loads serve what is asked for, but are not balanced. */
  readonly state: State;
}

export interface Afterwards {
  /** s: part of its demand that every column is sure of. */
  readonly share: number;
  /** sum v * served. */
  readonly value: number;
}

/** That nothing is lost on the way, whatever comes afterwards. */
export const STRICT: Afterwards = { share: 1, value: Number.POSITIVE_INFINITY };

/** @param wanted instances per `workload * hosts + host` */
export function planChanges(
  model: Model,
  wanted: ReadonlyMap<number, number>,
  after: Afterwards,
  expired: () => boolean = () => false,
): Plan {
  const state = warmStart(model);
  const flow = new Flow(state);
  const order = byWorth(model);
  const forced = forcedStops(state);
  flow.serveAll(order);
  const first = allLoads(state);
  const planner = new Planner(state, flow, wanted, after, expired);
  const steps = planner.run();
  const { dropped, redirected } = planner;
  return { forced, first, steps, dropped, asWanted: dropped.length === 0 && redirected === 0, state };
}

/** Passes over the pending changes: each may make room for others; more than a few are for chains as long. */
const PASSES = 12;
/** Turns in which what is blocked is moved elsewhere. */
const TURNS = 4;
/** After so many moves that were in vain no more are tried: the cluster is full. */
const REFUSALS = 200;
/** Hosts that one search looks at when load is moved. */
const SEARCH = 400;

class Planner {
  readonly #state: State;
  readonly #flow: Flow;
  readonly #steps: Step[] = [];
  readonly #pendingStarts = new Map<number, number>();
  readonly #expired: () => boolean;
  readonly #leastValue: number;
  #starts: Change[] = [];
  #stops: Change[] = [];
  dropped: Dropped[] = [];
  #refused = 0;
  /** Changes that are not those that were wanted. */
  redirected = 0;

  constructor(
    state: State,
    flow: Flow,
    wanted: ReadonlyMap<number, number>,
    after: Afterwards,
    expired: () => boolean,
  ) {
    this.#expired = expired;
    this.#state = state;
    this.#flow = flow;
    const { hostCount } = state.model;
    for (const [key, count] of wanted) {
      const [a, host] = [Math.floor(key / hostCount), key % hostCount];
      const has = copiesAt(state, host, a);
      for (let n = has; n < count; n++) this.#starts.push({ op: 'start', host, workload: a });
      if (count > has) this.#pendingStarts.set(a, (this.#pendingStarts.get(a) ?? 0) + count - has);
    }
    for (let host = 0; host < hostCount; host++) {
      for (let i = state.pool.firstOnHost[host]!; i !== NONE; i = state.pool.nextOnHost[i]!) {
        const a = state.pool.workload[i]!;
        const count = wanted.get(a * hostCount + host) ?? 0;
        for (let n = state.pool.copies[i]!; n > count; n--) this.#stops.push({ op: 'stop', host, workload: a });
      }
    }
    const { rate } = state.model;
    for (const [j, before] of state.served.entries()) state.floor[j] = Math.min(before, after.share * rate[j]!);
    this.#leastValue = Math.min(state.value, after.value) - 1e-9 * state.model.demandValue;
  }

  run(): Step[] {
    this.#pass();
    // A swap for which there is no room: one of the two goes where there is room, and makes room for others by that.
    const residual = new Residual(this.#state);
    for (let turn = 0; turn < TURNS && this.#starts.length > 0 && !this.#full(); turn++) {
      const before = this.#steps.length;
      this.#starts = this.#starts.filter(
        (each) => this.#full() || this.#refused >= REFUSALS || !this.#redirect(each, residual),
      );
      if (this.#steps.length === before) break;
      this.#pass();
      residual.reindex();
    }
    if (this.#starts.length + this.#stops.length > 0) this.#fillUp(residual);
    const { maxChanges } = this.#state.model;
    for (const each of [...this.#starts, ...this.#stops]) {
      const most = this.#steps.length >= maxChanges;
      const reason = most ? `${maxChanges} changes are the most in one plan` : this.#why(each);
      this.dropped.push({ ...each, reason });
    }
    return this.#steps;
  }

  /** Nothing more is done: what there is holds. */
  #full(): boolean {
    return this.#steps.length >= this.#state.model.maxChanges || this.#expired();
  }

  /** All that can be done as it was wanted. */
  #pass(): void {
    for (let pass = 0; pass < PASSES; pass++) {
      const before = this.#steps.length;
      this.#starts = this.#starts.filter((each) => this.#full() || !this.#start(each));
      this.#stops = this.#stops.filter((each) => this.#full() || !this.#stop(each));
      if (this.#steps.length === before) return;
    }
  }

  /** Moves an instance to another host than the one that was wanted, as one: started there, emptied here, stopped. */
  #redirect({ workload: a }: Change, residual: Residual): boolean {
    const state = this.#state;
    const old = this.#stops.findIndex((each) => each.workload === a);
    if (old < 0 || this.#steps.length + 2 > state.model.maxChanges) return false;
    const host = residual.hostFor(a, 1 / Math.max(1, state.instances[a]!));
    const from = this.#stops[old]!.host;
    const i = state.pool.find(from, a);
    if (host === NONE || state.pool.copies[i] !== 1) return false;
    state.journal.begin();
    state.start(host, a);
    const settled = this.#settle(host, a);
    const arrived = this.#shift();
    if (!settled || !this.#empty(i)) {
      state.undo();
      this.#refused++;
      return false;
    }
    const left = this.#shift();
    state.journal.commit();
    state.stop(i);
    this.#steps.push(
      { op: 'start', host, workload: a, shift: arrived },
      { op: 'stop', host: from, workload: a, shift: left },
    );
    this.#stops.splice(old, 1);
    this.#pendingStarts.set(a, (this.#pendingStarts.get(a) ?? 1) - 1);
    this.redirected++;
    return true;
  }

  /** What could not be had as it was wanted leaves deficits: instances for them where there is room. */
  #fillUp(residual: Residual): void {
    for (const a of byDensity(this.#state)) {
      if (this.#full()) return;
      const host = residual.hostForMissing(a);
      if (host !== NONE && this.#start({ op: 'start', host, workload: a })) this.redirected++;
    }
  }

  #start(change: Change): boolean {
    const { host, workload: a } = change;
    const state = this.#state;
    const { model } = state;
    if (!state.mayStart(host, a)) return false;
    const R = model.resourceCount;
    for (let r = 0; r < R; r++) if (state.residual[host * R + r]! < model.idle[a * R + r]!) return false;
    state.journal.begin();
    state.start(host, a);
    if (!this.#settle(host, a)) {
      state.undo();
      return false;
    }
    this.#done(change);
    this.#pendingStarts.set(a, (this.#pendingStarts.get(a) ?? 1) - 1);
    return true;
  }

  #stop(change: Change): boolean {
    const { host, workload: a } = change;
    const state = this.#state;
    const left = state.instances[a]! - 1;
    if (left < state.model.minInstances[a]!) return false;
    if ((this.#pendingStarts.get(a) ?? 0) > 0 && left < 2) return false;
    const i = state.pool.find(host, a);
    state.journal.begin();
    if (state.pool.copies[i] === 1 && !this.#empty(i)) {
      state.undo();
      return false;
    }
    this.#done(change);
    state.stop(i);
    return true;
  }

  /**
   * Moves the load of an instance elsewhere while it still stands, with the capacity that it takes idle and the costs of
   * neighbours that its presence raises; whether nobody loses. Nothing is moved over its own host meanwhile.
   */
  #empty(i: number): boolean {
    const state = this.#state;
    const host = state.pool.host[i]!;
    const columns = columnsOf(state.model, state.pool.workload[i]!);
    for (const k of columns.keys()) state.setLoad(i, k, 0);
    for (const j of columns) this.#flow.serve(j, { except: host, hosts: SEARCH });
    return this.#nobodyLoses(columns);
  }

  /** Sheds what neighbours of a newcomer can no longer hold, and serves it and the rest elsewhere; whether nobody loses. */
  #settle(host: number, a: number): boolean {
    const { model, pool } = this.#state;
    const moved = new Set(columnsOf(model, a));
    if (shed(this.#state, host)) {
      for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
        for (const j of columnsOf(model, pool.workload[i]!)) moved.add(j);
      }
    }
    for (const j of moved) this.#flow.serve(j, { hosts: SEARCH });
    return this.#nobodyLoses(moved);
  }

  #nobodyLoses(columns: Iterable<number>): boolean {
    const { model, served, floor, value } = this.#state;
    for (const j of columns) if (served[j]! < floor[j]! - 1e-9 * model.rate[j]!) return false;
    return value >= this.#leastValue;
  }

  #done(change: Change): void {
    this.#steps.push({ ...change, shift: this.#shift() });
    this.#state.journal.commit();
  }

  /** Rates of the cells that the present trial has changed. */
  #shift(): CellRate[] {
    const { journal, model, pool } = this.#state;
    return [...journal.cells()].map((cell) => {
      const i = Math.floor(cell / model.classCount);
      const column = model.firstColumn[pool.workload[i]!]! + (cell % model.classCount);
      return { host: pool.host[i]!, column, rate: pool.load[cell]! };
    });
  }

  #why({ op, host, workload: a }: Change): string {
    const { model, instances } = this.#state;
    const { workloadNames, hostNames } = model;
    if (op === 'start') {
      return `${hostNames[host]} has no room for ${workloadNames[a]} before something there is stopped, and that cannot go first`;
    }
    if (instances[a]! - 1 < model.minInstances[a]!) {
      return `${workloadNames[a]} would have fewer than its minimum of ${model.minInstances[a]} instances`;
    }
    return (this.#pendingStarts.get(a) ?? 0) > 0
      ? `fewer than two other instances of ${workloadNames[a]} are ready, and its new ones cannot be started first`
      : `less of ${workloadNames[a]} would be served than now`;
  }
}

/** Instances that run now and are not in the warm start. */
function forcedStops(state: State): Change[] {
  const { current } = state.model;
  const forced: Change[] = [];
  for (let at = 0; at < current.length; at += 3) {
    const [workload, host, copies] = [current[at]!, current[at + 1]!, current[at + 2]!];
    for (let n = copiesAt(state, host, workload); n < copies; n++) forced.push({ op: 'stop', host, workload });
  }
  return forced;
}

function copiesAt({ pool }: State, host: number, a: number): number {
  const i = pool.find(host, a);
  return i === NONE ? 0 : pool.copies[i]!;
}

function columnsOf(model: Model, a: number): number[] {
  const first = model.firstColumn[a]!;
  return Array.from({ length: model.firstColumn[a + 1]! - first }, (_, k) => first + k);
}

export function allLoads({ model, pool }: State): CellRate[] {
  const loads: CellRate[] = [];
  for (let host = 0; host < model.hostCount; host++) {
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      for (const [k, column] of columnsOf(model, pool.workload[i]!).entries()) {
        loads.push({ host, column, rate: pool.load[i * model.classCount + k]! });
      }
    }
  }
  return loads;
}
