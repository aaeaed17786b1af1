/**
 * Step B: serving more without touching the instances. An augmenting path goes from a column to one of its hosts; where that
 * is full, a column there that runs elsewhere too moves over, and so on until a host with room is found (Ford and
 * Fulkerson 1956, breadth first as Edmonds and Karp 1972). Hosts that a failed search reached are dead: no path
 * leads out of them until capacity is freed.
 *
 * With one resource and no conflict the result is a maximum flow. With several, one column's request frees of each
 * resource as much as it costs, a path carries as much as the scarcest needs, and the load LP does the rest.
 */
import type { Model } from '../model.ts';
import { NONE, State } from '../state/state.ts';

/** Below this part of a column's rate nothing is moved. */
const LEAST = 1e-9;
/** A resource is scarce on a host where less than this part of it is left. */
const SCARCE = 1e-9;
/** Paths per call: each fills a host, empties a cell or ends the deficit; more only shuffle crumbs. */
const MAX_PATHS = 4096;

export interface Bounds {
  /** Most hosts that one search looks at. */
  readonly hosts?: number;
  /** Hosts that may be used; null: all. */
  readonly within?: readonly number[] | null;
  /** One that may not; where `within` is null. */
  readonly except?: number;
}

export class Flow {
  readonly #state: State;
  /** Whether giving up one column's request for another's can gain: costs and values differ. */
  readonly #uneven: boolean;
  readonly #seenHost: Int32Array;
  readonly #seenColumn: Int32Array;
  readonly #deadAt: Float64Array;
  readonly #queue: Int32Array;
  /** How the search came to a host: the instance there, the column that wants in, the instance that it leaves. */
  readonly #via: Int32Array;
  readonly #column: Int32Array;
  readonly #from: Int32Array;
  /** Requests of `#column` on the host per request of the column that is served, and what each pushes out. */
  readonly #factor: Float64Array;
  readonly #ratio: Float64Array;
  #search = 0;
  #except = NONE;
  #drop = { loss: 0, host: NONE, instance: NONE, column: NONE, ratio: 0 };

  constructor(state: State) {
    const { model } = state;
    this.#state = state;
    this.#uneven = unevenValues(model);
    this.#seenHost = new Int32Array(model.hostCount);
    this.#seenColumn = new Int32Array(model.columnCount);
    this.#deadAt = new Float64Array(model.hostCount).fill(-1);
    this.#queue = new Int32Array(model.hostCount);
    this.#via = new Int32Array(model.hostCount);
    this.#column = new Int32Array(model.hostCount);
    this.#from = new Int32Array(model.hostCount);
    this.#factor = new Float64Array(model.hostCount);
    this.#ratio = new Float64Array(model.hostCount);
  }

  /** Raises all columns towards their targets, the worthiest for their cost first; answers with what of V is missing. */
  serveAll(columns: Iterable<number>, bounds: Bounds = {}): number {
    let missing = 0;
    for (const j of columns) missing += this.serve(j, bounds) * this.#state.model.value[j]!;
    return missing;
  }

  /** Raises one column towards its target; answers with what is missing, in requests/s. */
  serve(j: number, bounds: Bounds = {}): number {
    const state = this.#state;
    const least = LEAST * state.model.rate[j]!;
    let deficit = state.target[j]! - state.served[j]!;
    if (deficit <= least) return 0;
    const { within = null, hosts = Number.POSITIVE_INFINITY, except = NONE } = bounds;
    this.#except = except;
    deficit -= this.#fill(j, deficit, within);
    for (let path = 0; path < MAX_PATHS && deficit > least; path++) {
      const pushed = this.#augment(j, deficit, hosts, within);
      if (pushed <= least) break;
      deficit -= pushed;
    }
    return Math.max(0, deficit);
  }

  /** Into the instances that have room; answers with what went in. */
  #fill(j: number, deficit: number, within: readonly number[] | null): number {
    const { pool, model } = this.#state;
    const a = model.workloadOf[j]!;
    let left = deficit;
    if (within !== null) {
      for (const host of within) {
        const i = pool.find(host, a);
        if (i !== NONE && left > 0) left -= this.#take(i, j, left);
      }
      return deficit - left;
    }
    for (let i = pool.firstOfWorkload[a]!; i !== NONE && left > 0; i = pool.nextOfWorkload[i]!) {
      if (pool.host[i] !== this.#except) left -= this.#take(i, j, left);
    }
    return deficit - left;
  }

  /** As much as an instance has room for. */
  #take(i: number, j: number, most: number): number {
    const { model } = this.#state;
    const taken = Math.min(most, this.#state.room(i, j));
    if (taken <= 0) return 0;
    this.#state.addLoad(i, j - model.firstColumn[model.workloadOf[j]!]!, taken);
    return taken;
  }

  #augment(j: number, deficit: number, most: number, within: readonly number[] | null): number {
    const { pool, model } = this.#state;
    this.#search++;
    this.#drop.loss = model.value[j]! * (1 - 1e-6);
    this.#drop.host = NONE;
    this.#seenColumn[j] = this.#search;
    let tail = this.#spread(j, NONE, NONE, 0, 1, within);
    let head = 0;
    for (; head < tail && head < most; head++) {
      const host = this.#queue[head]!;
      for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
        const b = pool.workload[i]!;
        const first = model.firstColumn[b]!;
        for (let c = first; c < model.firstColumn[b + 1]!; c++) {
          const load = pool.load[i * model.classCount + c - first]!;
          if (load <= LEAST * model.rate[c]! || (this.#seenColumn[c] === this.#search && !this.#uneven)) continue;
          const ratio = this.#ratioAt(host, i, c);
          if (ratio === 0) continue;
          if (this.#uneven) this.#offer(host, i, c, ratio);
          if (this.#seenColumn[c] === this.#search) continue;
          this.#seenColumn[c] = this.#search;
          const found = this.#spread(c, i, host, tail, this.#factor[host]! * ratio, within, ratio);
          if (found < 0) return this.#push(~found, deficit);
          tail = found;
        }
      }
    }
    if (this.#drop.host !== NONE) return this.#push(NONE, deficit);
    if (head === tail && within === null && this.#except === NONE) {
      for (let at = 0; at < tail; at++) this.#deadAt[this.#queue[at]!] = this.#state.freed;
    }
    return 0;
  }

  /** Lets a column leave instance `from`; answers with the new tail of the queue, or ~host where there is room. */
  #spread(
    c: number,
    from: number,
    origin: number,
    tail: number,
    factor: number,
    within: readonly number[] | null,
    ratio = 0,
  ): number {
    const { pool, model } = this.#state;
    const a = model.workloadOf[c]!;
    let end = tail;
    if (within !== null) {
      for (const host of within) {
        if (!this.#isNew(host, origin)) continue;
        const i = pool.find(host, a);
        if (i === NONE) continue;
        if (this.#reach(host, i, c, from, factor, ratio)) return ~host;
        this.#queue[end++] = host;
      }
      return end;
    }
    for (let i = pool.firstOfWorkload[a]!; i !== NONE; i = pool.nextOfWorkload[i]!) {
      const host = pool.host[i]!;
      if (!this.#isNew(host, origin)) continue;
      if (this.#reach(host, i, c, from, factor, ratio)) return ~host;
      this.#queue[end++] = host;
    }
    return end;
  }

  #isNew(host: number, origin: number): boolean {
    return (
      host !== origin &&
      host !== this.#except &&
      this.#seenHost[host] !== this.#search &&
      this.#deadAt[host] !== this.#state.freed
    );
  }

  /** Notes how the search came to a host; whether there is room, so that it ends there. */
  #reach(host: number, i: number, c: number, from: number, factor: number, ratio: number): boolean {
    this.#seenHost[host] = this.#search;
    this.#via[host] = i;
    this.#column[host] = c;
    this.#from[host] = from;
    this.#factor[host] = factor;
    this.#ratio[host] = ratio;
    return from !== NONE && this.#state.room(i, c) > LEAST * this.#state.model.rate[c]!;
  }

  /** Requests of column c on instance i that make way for one request of the column that wants in; 0: they cannot. */
  #ratioAt(host: number, i: number, c: number): number {
    const { pool, model, residual } = this.#state;
    const R = model.resourceCount;
    const wants = this.#column[host]!;
    const via = this.#via[host]!;
    if (c === wants && i === via) return 0;
    let ratio = 0;
    for (let r = 0; r < R; r++) {
      const need = model.cost[wants * R + r]! * pool.factor[via * R + r]!;
      if (need === 0 || residual[host * R + r]! > SCARCE * model.capacity[host * R + r]!) continue;
      const gives = model.cost[c * R + r]! * pool.factor[i * R + r]!;
      if (gives === 0) return 0;
      ratio = Math.max(ratio, need / gives);
    }
    return ratio;
  }

  /** Giving up requests of c is an end of a path, too, where what is served instead is worth more. */
  #offer(host: number, i: number, c: number, ratio: number): void {
    const { model, served, floor } = this.#state;
    const loss = this.#factor[host]! * ratio * model.value[c]!;
    if (loss >= this.#drop.loss || served[c]! - floor[c]! <= LEAST * model.rate[c]!) return;
    this.#drop = { loss, host, instance: i, column: c, ratio };
  }

  /** Moves along the path that ends at a host with room, or at the drop (NONE); answers with what the column gained. */
  #push(end: number, deficit: number): number {
    const { pool, model } = this.#state;
    const K = model.classCount;
    const kOf = (c: number): number => c - model.firstColumn[model.workloadOf[c]!]!;
    const drop = this.#drop;
    const last = end === NONE ? drop.host : end;
    let amount = deficit;
    if (end === NONE) {
      const { served, floor } = this.#state;
      const above = served[drop.column]! - floor[drop.column]!;
      const load = Math.min(pool.load[drop.instance * K + kOf(drop.column)]!, above);
      amount = Math.min(amount, load / (this.#factor[last]! * drop.ratio), this.#slack(last));
    } else amount = Math.min(amount, this.#state.room(this.#via[end]!, this.#column[end]!) / this.#factor[end]!);
    for (let host = last; this.#from[host] !== NONE; host = pool.host[this.#from[host]!]!) {
      const from = this.#from[host]!;
      const load = pool.load[from * K + kOf(this.#column[host]!)]!;
      amount = Math.min(amount, load / this.#factor[host]!, this.#slack(pool.host[from]!));
    }
    if (amount <= 0) return 0;
    if (end === NONE) {
      this.#state.addLoad(drop.instance, kOf(drop.column), -amount * this.#factor[last]! * drop.ratio);
    }
    for (let host = last; ; host = pool.host[this.#from[host]!]!) {
      const k = kOf(this.#column[host]!);
      const from = this.#from[host]!;
      const moved = amount * this.#factor[host]!;
      if (from !== NONE) this.#state.addLoad(from, k, -moved);
      this.#state.addLoad(this.#via[host]!, k, moved);
      if (from === NONE) return amount;
    }
  }

  /** What the resources that are not scarce on a full host still let in, in requests of the column that is served. */
  #slack(host: number): number {
    const { pool, model, residual } = this.#state;
    const R = model.resourceCount;
    if (R === 1) return Number.POSITIVE_INFINITY;
    const wants = this.#column[host]!;
    const via = this.#via[host]!;
    let slack = Number.POSITIVE_INFINITY;
    for (let r = 0; r < R; r++) {
      const need = model.cost[wants * R + r]! * pool.factor[via * R + r]!;
      const left = residual[host * R + r]!;
      if (need > 0 && left > SCARCE * model.capacity[host * R + r]!) slack = Math.min(slack, left / need);
    }
    return slack / this.#factor[host]!;
  }
}

/** Whether value per dominant share differs between columns, or costs are vectors. */
function unevenValues({ resourceCount, conflicts, value, share, rate }: Model): boolean {
  if (resourceCount > 1 || conflicts !== null) return true;
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let j = 0; j < value.length; j++) {
    if (!(rate[j]! > 0)) continue;
    least = Math.min(least, value[j]! / share[j]!);
    most = Math.max(most, value[j]! / share[j]!);
  }
  return most > least * (1 + 1e-9);
}
