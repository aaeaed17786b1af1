/**
 * Step E: large neighbourhood search (Shaw 1998). A few hosts that belong together are partly emptied and filled anew, by a
 * greedy that is shaken a little; the best of the tries stays if it raises V.
 */
import { isFlow } from '../model.ts';
import type { Random } from '../random.ts';
import { restore, type Snapshot, snapshotOf } from '../state/snapshot.ts';
import { NONE, type State } from '../state/state.ts';
import { byDensity, deficitValue, density } from './deficits.ts';
import { Fit } from './fit.ts';
import type { Flow } from './flow.ts';
import { shed } from './shed.ts';
import { LEAST_GAIN, startFull } from './trial.ts';

/**
 * Hosts of a subset, at least and at most, tries with it, and how much a try may lose at first, as a part of a mean host's value.
 * Where costs are vectors the landscape is rougher, and smaller subsets, more of them, come further in the same time.
 */
const EVEN = { least: 6, most: 6, tries: 24, warmth: 0.02 };
const MIXED = { least: 3, most: 5, tries: 10, warmth: 0.1 };
const DEFICITS = 6;
/** Rounds after which it is looked for what is missing now. */
const REFRESH = 8;
/** The densest deficits, of which some are chosen. */
const POOL = 48;
/** How far a try strays at most from the order by density (in powers of e) and from the best score. */
const STRAY = 2;
const SHAKE = 0.6;

export class SubsetSearch {
  readonly #state: State;
  readonly #flow: Flow;
  readonly #fit: Fit;
  readonly #random: Random;
  readonly #terms: typeof EVEN;
  #deficits: number[] = [];
  /** Since deficits were looked for: whether anything was changed, and rounds in all. */
  #moved = false;
  #rounds = 0;
  #best: { objective: number; snapshot: Snapshot | null } = { objective: -Infinity, snapshot: null };

  constructor(state: State, flow: Flow, random: Random) {
    this.#state = state;
    this.#flow = flow;
    this.#fit = new Fit(state);
    this.#random = random;
    this.#terms = isFlow(state.model) ? EVEN : MIXED;
    this.#deficits = byDensity(state);
  }

  /**
   * One subset.
   * @param warmth 1 at first, 0 at last: how readily a try that lowers V a little is gone on from (Kirkpatrick et al. 1983)
   */
  round(warmth: number): void {
    if (this.#deficits.length === 0) return;
    const state = this.#state;
    const { demandValue, hostValue } = state.model;
    const deficits = this.#chooseDeficits();
    const hosts = this.#chooseHosts(deficits);
    let moved = false;
    for (let attempt = 0; attempt < this.#terms.tries; attempt++) {
      const before = state.objective();
      const slack = -this.#terms.warmth * warmth * hostValue * Math.log(1 - this.#random());
      state.journal.begin();
      const touched = this.#rebuild(hosts, deficits);
      const gain = state.objective() - before;
      const isTaken = gain > LEAST_GAIN * demandValue - slack && this.#atLeastMinimum(touched);
      if (isTaken && (gain >= 0 || before <= this.#best.objective)) {
        state.journal.commit();
        moved = true;
        continue;
      }
      state.undo();
      // Before the best is left it is put aside; this try is given up for it.
      if (isTaken) this.#best = { objective: before, snapshot: snapshotOf(state) };
    }
    this.#moved ||= moved;
    if (this.#moved && ++this.#rounds % REFRESH === 0) {
      this.#deficits = byDensity(state);
      this.#moved = false;
    }
  }

  /** The best that was come by, which need not be where the search stands. */
  best(): State {
    return this.#best.snapshot !== null && this.#best.objective > this.#state.objective()
      ? restore(this.#state.model, this.#best.snapshot)
      : this.#state;
  }

  /** Nothing is missing any more. */
  get done(): boolean {
    return this.#deficits.length === 0;
  }

  #rebuild(hosts: readonly number[], deficits: readonly number[]): readonly number[] {
    const state = this.#state;
    const { model, pool } = state;
    const chance = 0.1 + 0.6 * this.#random();
    const wildness = this.#random();
    const shake = SHAKE * wildness * wildness;
    const open = new Set(deficits);
    for (const host of hosts) {
      for (let i = pool.firstOnHost[host]!; i !== NONE;) {
        const next = pool.nextOnHost[i]!;
        if (this.#random() < chance) {
          open.add(pool.workload[i]!);
          state.stop(i);
        }
        i = next;
      }
    }
    const order = [...open]
      .map((a) => ({
        a,
        key: density(model, a, deficitValue(state, a)) * Math.exp(STRAY * wildness * (2 * this.#random() - 1)),
      }))
      .toSorted((x, y) => y.key - x.key || x.a - y.a)
      .map(({ a }) => a);
    for (const a of order) this.#place(a, hosts, shake);
    for (const a of order) this.#serve(a, hosts);
    for (const a of order) this.#place(a, hosts, shake);
    if (this.#terms === MIXED) this.#squeeze(hosts, order);
    return order;
  }

  /**
   * Where costs are vectors, a host that has none left of one resource may have plenty of another: an instance is put there
   * all the same, and pushes out what is worth less for what it takes.
   */
  #squeeze(hosts: readonly number[], order: readonly number[]): void {
    const state = this.#state;
    const count = Math.floor(3 * this.#random());
    const missing = order.filter((a) => deficitValue(state, a) > 0);
    let squeezed = false;
    for (let n = 0; n < count && missing.length > 0; n++) {
      const a = missing[Math.floor(this.#random() * missing.length)]!;
      const host = hosts[Math.floor(this.#random() * hosts.length)]!;
      if (state.pool.find(host, a) !== NONE || !state.mayStart(host, a) || !idleFits(state, host, a)) continue;
      startFull(state, host, a);
      squeezed = true;
      const touched = [a];
      if (shed(state, host)) {
        for (let i = state.pool.firstOnHost[host]!; i !== NONE; i = state.pool.nextOnHost[i]!) {
          if (state.pool.workload[i] !== a) touched.push(state.pool.workload[i]!);
        }
      }
      for (const each of touched) this.#serve(each, hosts);
    }
    if (squeezed) for (const a of order) this.#serve(a, hosts);
  }

  /** What is missing of a workload, on the hosts of this round alone. */
  #serve(a: number, hosts: readonly number[]): void {
    const { firstColumn } = this.#state.model;
    for (let j = firstColumn[a]!; j < firstColumn[a + 1]!; j++) this.#flow.serve(j, { within: hosts });
  }

  #place(a: number, hosts: readonly number[], shake: number): void {
    const state = this.#state;
    for (let count = 0; count < hosts.length; count++) {
      const missing = deficitValue(state, a);
      const short = state.instances[a]! < state.model.minInstances[a]!;
      if (missing <= 0 && !short) return;
      this.#fit.ask(a);
      let best = NONE;
      let bestScore = Number.NEGATIVE_INFINITY;
      let taken = 0;
      for (const host of hosts) {
        if (state.pool.find(host, a) !== NONE || !state.mayStart(host, a)) continue;
        const score = this.#fit.score(host) + shake * this.#random();
        if (score > bestScore) [best, bestScore, taken] = [host, score, this.#fit.taken];
      }
      if (best === NONE) return;
      const gain = missing * taken - state.startPrice(best, a);
      if (gain <= LEAST_GAIN * state.model.demandValue && !short) return;
      startFull(state, best, a);
    }
  }

  #atLeastMinimum(workloads: readonly number[]): boolean {
    const { instances, model } = this.#state;
    return workloads.every((a) => instances[a]! >= model.minInstances[a]!);
  }

  /** One with room for what is missing, hosts that share an app with those chosen, idle ones, and any. */
  #chooseHosts(deficits: readonly number[]): number[] {
    const count = this.#state.model.hostCount;
    const { least, most } = this.#terms;
    const size = least + Math.floor((most - least + 1) * this.#random());
    if (count <= size) return Array.from({ length: count }, (_, host) => host);
    const [first] = deficits;
    const chosen = new Set([
      this.#terms === MIXED && first !== undefined
        ? this.#roomyHost(first, Math.min(8, Math.ceil(count / 8)))
        : this.#idleHost(8),
    ]);
    while (chosen.size < size) {
      const by = this.#random();
      let host = Math.floor(this.#random() * count);
      if (by < 0.4) {
        const of = [...chosen][Math.floor(this.#random() * chosen.size)]!;
        host = this.#neighbour(of) ?? host;
      } else if (by < 0.8) host = this.#idleHost(4);
      chosen.add(chosen.has(host) ? Math.floor(this.#random() * count) : host);
    }
    return [...chosen];
  }

  /** Of a few the one that has most left of what a workload needs most. */
  #roomyHost(a: number, of: number): number {
    const { hostCount, resourceCount: R, capacity } = this.#state.model;
    this.#fit.ask(a);
    const r = Math.max(0, this.#fit.dominant);
    let best = 0;
    let most = -1;
    for (let draw = 0; draw < of; draw++) {
      const host = Math.floor(this.#random() * hostCount);
      const at = host * R + r;
      const left = capacity[at]! > 0 ? this.#state.residual[at]! / capacity[at]! : 0;
      if (left > most) [best, most] = [host, left];
    }
    return best;
  }

  /** The idlest of a few. */
  #idleHost(of: number): number {
    let best = 0;
    let most = -1;
    for (let draw = 0; draw < of; draw++) {
      const host = Math.floor(this.#random() * this.#state.model.hostCount);
      const left = this.#fit.left(host);
      if (left > most) [best, most] = [host, left];
    }
    return best;
  }

  /** A host of a workload that runs on this one, too. */
  #neighbour(host: number): number | null {
    const { pool } = this.#state;
    const here: number[] = [];
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) here.push(i);
    if (here.length === 0) return null;
    const a = pool.workload[here[Math.floor(this.#random() * here.length)]!]!;
    const there: number[] = [];
    for (let i = pool.firstOfWorkload[a]!; i !== NONE && there.length < 64; i = pool.nextOfWorkload[i]!) {
      if (pool.host[i] !== host) there.push(pool.host[i]!);
    }
    return there.length === 0 ? null : there[Math.floor(this.#random() * there.length)]!;
  }

  #chooseDeficits(): number[] {
    const densest: number[] = [];
    for (const a of this.#deficits) {
      if (densest.length === POOL) break;
      // The list may be some rounds old.
      if (deficitValue(this.#state, a) > 0) densest.push(a);
    }
    if (densest.length <= DEFICITS) return densest;
    const chosen = new Set<number>();
    while (chosen.size < DEFICITS) chosen.add(densest[Math.floor(this.#random() * densest.length)]!);
    return [...chosen];
  }
}

/** Beside instances that serve nothing. */
function idleFits({ model, pool }: State, host: number, a: number): boolean {
  const R = model.resourceCount;
  for (let r = 0; r < R; r++) {
    let idle = model.idle[a * R + r]!;
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      idle += pool.copies[i]! * model.idle[pool.workload[i]! * R + r]!;
    }
    if (idle > model.capacity[host * R + r]!) return false;
  }
  return true;
}
