/**
 * A placement under construction: which instances there are, what load each cell has, what is left of every host. All
 * steps of the solver change it through the few operations here, which keep the sums, and which a journal can take back.
 *
 * An instance is a number i into flat arrays; those of a host and of a workload are chained. Its cells, one per column of
 * its workload, are load[i * K + k] for column firstColumn[a] + k. factor[i * R + r] = o[h] * m[h][a][r] with theta = 1.
 */
import { chi } from '../conflicts.ts';
import type { Model } from '../model.ts';
import { Journal } from './journal.ts';
import { Pool } from './pool.ts';

export const NONE = -1;
/** Of a host's memory. */
const ROUNDING = 1e-9;

export class State {
  readonly model: Model;
  readonly pool: Pool;
  readonly journal: Journal;
  /** [h * R + r]; below 0 only between a start beside neighbours that it disturbs and the shedding that follows. */
  readonly residual: Float64Array;
  readonly memoryLeft: Float64Array;
  readonly podsLeft: Float64Array;
  /** Requests/s per column. */
  readonly served: Float64Array;
  /** What is asked to be served; lambda but where fairness holds columns back. */
  readonly target: Float64Array;
  /** What no column is pushed below for the sake of a worthier one. */
  readonly floor: Float64Array;
  /** Instances per workload. */
  readonly instances: Int32Array;
  /** sum v * served. */
  value = 0;
  /** Starts and stops against what runs now. */
  changes = 0;
  /** Workloads with demand that have an instance. */
  covered = 0;
  /** Rises when capacity is given back: what a search has found to lead nowhere may lead somewhere again. */
  freed = 0;

  readonly #running: ReadonlyMap<number, number>;
  readonly #wanted: Uint8Array;

  constructor(model: Model) {
    const { hostCount, workloadCount, columnCount, resourceCount, classCount, current } = model;
    this.model = model;
    this.pool = new Pool(hostCount, workloadCount, resourceCount, classCount);
    this.journal = new Journal();
    this.residual = model.capacity.slice();
    this.memoryLeft = model.memory.slice();
    this.podsLeft = model.pods.slice();
    this.served = new Float64Array(columnCount);
    this.target = model.rate.slice();
    this.floor = new Float64Array(columnCount);
    this.instances = new Int32Array(workloadCount);
    this.#wanted = new Uint8Array(workloadCount);
    for (let j = 0; j < columnCount; j++) if (model.rate[j]! > 0) this.#wanted[model.workloadOf[j]!] = 1;
    const running = new Map<number, number>();
    for (let at = 0; at < current.length; at += 3) {
      running.set(current[at]! * hostCount + current[at + 1]!, current[at + 2]!);
      this.changes += current[at + 2]!;
    }
    this.#running = running;
  }

  /** What the search raises: V = sum v * served - tau * changes (placement.md 2, objective 3), and what cover is worth. */
  objective(): number {
    const { changePrice, coverValue } = this.model;
    return this.value - changePrice * this.changes + coverValue * this.covered;
  }

  /** What starting another instance costs; below 0 where one of those that run now had been given up, or it is the first. */
  startPrice(host: number, workload: number): number {
    const { changePrice, coverValue } = this.model;
    const at = this.pool.find(host, workload);
    const copies = at === NONE ? 0 : this.pool.copies[at]!;
    const first = this.instances[workload] === 0 && this.#wanted[workload] === 1;
    return (copies < this.running(host, workload) ? -changePrice : changePrice) - (first ? coverValue : 0);
  }

  running(host: number, workload: number): number {
    return this.#running.get(workload * this.model.hostCount + host) ?? 0;
  }

  /** Whether one more instance may stand there: memory, pods, bounds, hosts, neighbours it must be apart from. */
  mayStart(host: number, workload: number): boolean {
    const { model, pool } = this;
    // Sums of fractions come out differently in another order: what just fits must fit however it was come to.
    if (this.memoryLeft[host]! + ROUNDING * model.memory[host]! < model.request[workload]!) return false;
    if (this.podsLeft[host]! < 1) return false;
    if (this.instances[workload]! >= model.maxInstances[workload]!) return false;
    const allowed = model.allowed[workload];
    if (allowed != null && allowed[host] === 0) return false;
    const at = pool.find(host, workload);
    if (at !== NONE && pool.copies[at]! >= model.maxPerHost[workload]!) return false;
    const apart = model.apart[workload];
    if (apart == null) return true;
    for (let i = pool.firstOnHost[host]!; i !== NONE; i = pool.nextOnHost[i]!) {
      if (apart.has(pool.workload[i]!)) return false;
    }
    return true;
  }

  /** One more instance; answers with its index. Costs of neighbours rise where it disturbs them. */
  start(host: number, workload: number): number {
    const { model, pool, residual } = this;
    const found = pool.find(host, workload);
    const i = found === NONE ? pool.insert(host, workload) : found;
    if (found === NONE) this.#meet(i, 1);
    const before = pool.copies[i]!++;
    this.memoryLeft[host]! -= model.request[workload]!;
    this.podsLeft[host]!--;
    this.changes += before < this.running(host, workload) ? -1 : 1;
    if (this.instances[workload]!++ === 0) this.covered += this.#wanted[workload]!;
    for (let r = 0, R = model.resourceCount; r < R; r++) residual[host * R + r]! -= model.idle[workload * R + r]!;
    this.journal.start(i);
    return i;
  }

  /** One instance less; the last one of its host takes its load with it. */
  stop(i: number): void {
    const { model, pool, residual } = this;
    const host = pool.host[i]!;
    const workload = pool.workload[i]!;
    if (pool.copies[i] === 1) {
      const K = model.classCount;
      const classes = model.firstColumn[workload + 1]! - model.firstColumn[workload]!;
      for (let k = 0; k < classes; k++) if (pool.load[i * K + k] !== 0) this.setLoad(i, k, 0);
      this.#meet(i, -1);
    }
    const after = --pool.copies[i]!;
    this.memoryLeft[host]! += model.request[workload]!;
    this.podsLeft[host]!++;
    this.changes += after < this.running(host, workload) ? 1 : -1;
    if (--this.instances[workload]! === 0) this.covered -= this.#wanted[workload]!;
    for (let r = 0, R = model.resourceCount; r < R; r++) residual[host * R + r]! += model.idle[workload * R + r]!;
    this.freed++;
    this.journal.stop(host, workload);
    if (after === 0) pool.remove(i);
  }

  /**
   * The load of a cell in requests/s; whether it fits is the caller's to see. Who lowers loads for good counts `freed` up:
   * a load that only moves along a path frees nothing.
   */
  setLoad(i: number, k: number, load: number): void {
    const { model, pool, residual } = this;
    const R = model.resourceCount;
    const at = i * model.classCount + k;
    const old = pool.load[at]!;
    const delta = load - old;
    const j = model.firstColumn[pool.workload[i]!]! + k;
    const host = pool.host[i]! * R;
    for (let r = 0; r < R; r++) residual[host + r]! -= delta * model.cost[j * R + r]! * pool.factor[i * R + r]!;
    pool.load[at] = load;
    this.served[j]! += delta;
    this.value += delta * model.value[j]!;
    this.journal.load(at, old);
  }

  addLoad(i: number, k: number, delta: number): void {
    this.setLoad(i, k, Math.max(0, this.pool.load[i * this.model.classCount + k]! + delta));
  }

  /** How much more of a column an instance could serve, in requests/s. */
  room(i: number, j: number): number {
    const { model, pool, residual } = this;
    const R = model.resourceCount;
    const host = pool.host[i]! * R;
    let room = Number.POSITIVE_INFINITY;
    for (let r = 0; r < R; r++) {
      const use = model.cost[j * R + r]! * pool.factor[i * R + r]!;
      if (use > 0) room = Math.min(room, residual[host + r]! / use);
    }
    return room > 0 ? room : 0;
  }

  /** Takes back what was done since `journal.begin()`. */
  undo(): void {
    const { journal, model } = this;
    this.freed++;
    journal.undo(
      (at, old) => this.setLoad(Math.floor(at / model.classCount), at % model.classCount, old),
      (i) => this.stop(i),
      (host, workload) => void this.start(host, workload),
    );
  }

  /** Factors and use of a host's instances as i comes (1) or goes (-1). */
  #meet(i: number, sign: 1 | -1): void {
    const { model, pool, residual } = this;
    const { conflicts, resourceCount: R, classCount: K } = model;
    const host = pool.host[i]!;
    const a = pool.workload[i]!;
    const inflation = model.inflation[host]!;
    if (sign === 1) for (let r = 0; r < R; r++) pool.factor[i * R + r] = inflation;
    if (conflicts === null) return;
    for (let other = pool.firstOnHost[host]!; other !== NONE; other = pool.nextOnHost[other]!) {
      if (other === i) continue;
      const b = pool.workload[other]!;
      const first = model.firstColumn[b]!;
      const classes = model.firstColumn[b + 1]! - first;
      for (let r = 0; r < R; r++) {
        const more = sign * inflation * chi(conflicts, b, a, r);
        if (sign === 1) pool.factor[i * R + r]! += inflation * chi(conflicts, a, b, r);
        if (more === 0) continue;
        let use = 0;
        for (let k = 0; k < classes; k++) use += pool.load[other * K + k]! * model.cost[(first + k) * R + r]!;
        residual[host * R + r]! -= more * use;
        pool.factor[other * R + r]! += more;
      }
    }
  }
}
