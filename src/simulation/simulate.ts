/** The run: requests arrive, are dispatched, worked on, answered or given up, in the order in which it happens. */
import type { Arrivals } from './arrivals.ts';
import { Dispatcher, type Dispatching } from './dispatcher.ts';
import { EventQueue } from './event-queue.ts';
import { HostState } from './host-state.ts';
import type { Observer } from './observer.ts';
import { type ColumnOutcome, Latencies, type Outcome } from './outcome.ts';
import { Reserves } from './reserves.ts';
import { checkWorld, type World } from './world.ts';

export interface Setting {
  readonly world: World;
  readonly arrivals: Arrivals;
  readonly dispatching: Dispatching;
  /** Seconds that a client waits; Infinity: for ever. */
  readonly timeout: number;
  /** Whether a server stops working on what its client has given up. */
  readonly stops: boolean;
  /** Requests that come before this are not counted. */
  readonly warmUp: number;
  /** Uniform in [0, 1): of choosers that draw. */
  readonly random: () => number;
  /** Absent: nobody looks on. */
  readonly observer?: Observer;
}

/**
 * Deterministic for what it is given. O(log n) for each of the few events of a request.
 * @throws RangeError where the parts do not fit together, or a request might never end
 */
export function simulate(setting: Setting): Outcome {
  checkWorld(setting.world);
  checkCells(setting);
  return new Run(setting).toEnd();
}

/** A request is 0 before it comes; then in a queue of the dispatcher. */
const WAITING = 1;
/** At a server, for a client that waits. */
const SENT = 2;
/** At a server, for nobody. */
const LEFT = 3;
const DONE = 4;
/** In place of a stage: its instance has not accepted it yet. */
const BEFORE = 255;

function checkCells({ world, dispatching }: Setting): void {
  for (const { host, column, weight } of dispatching.cells) {
    const name = `cell of column ${column} on host ${host}`;
    if (!(host < world.hostCount && column < world.columnCount)) throw new RangeError(`${name}: there is no such one`);
    const workload = world.workloadOf[column]!;
    if (weight > 0 && !(world.accepts[host * world.workloadCount + workload]! > 0)) {
      throw new RangeError(`${name}: no instance of workload ${workload} runs there, or none that accepts anything`);
    }
  }
}

class Run {
  readonly #setting: Setting;
  readonly #hosts: readonly HostState[];
  readonly #dispatcher: Dispatcher;
  readonly #reserves: Reserves | null;
  /** Of stations: host * resources + resource. */
  readonly #events: EventQueue;
  #now = 0;
  #settled = 0;
  /** Requests up to this one have had their timeout looked at: all wait equally long, so they end in order. */
  #expired = 0;

  // Per request.
  readonly #state: Uint8Array;
  readonly #slot: Int32Array;
  readonly #stage: Uint8Array;
  readonly #sentAt: Float64Array;
  readonly #others: Int32Array;

  // Per column.
  readonly #offered: Int32Array;
  readonly #latencies: readonly Latencies[];
  #timedOut = 0;
  #refused = 0;
  #shed = 0;
  readonly #isOver: (request: number) => boolean;

  constructor(setting: Setting) {
    const { world, arrivals, dispatching } = setting;
    this.#setting = setting;
    this.#hosts = Array.from({ length: world.hostCount }, (_, host) => new HostState(world, host));
    this.#events = new EventQueue(world.hostCount * world.resourceCount);
    this.#state = new Uint8Array(arrivals.count);
    this.#slot = new Int32Array(arrivals.count);
    this.#stage = new Uint8Array(arrivals.count);
    this.#sentAt = new Float64Array(arrivals.count);
    this.#others = new Int32Array(arrivals.count);
    this.#offered = new Int32Array(world.columnCount);
    this.#latencies = Array.from({ length: world.columnCount }, () => new Latencies());
    this.#isOver = (request) => this.#state[request] === DONE;
    const { reserve } = dispatching;
    this.#reserves = reserve === null ? null : new Reserves(reserve, world.columnCount, setting.timeout);
    this.#dispatcher = new Dispatcher(
      dispatching,
      this.#reserves?.seconds ?? null,
      { hosts: world.hostCount, columns: world.columnCount },
      {
        random: setting.random,
        now: () => this.#now * 1000,
        present: (slot) => this.#presentAt(slot),
      },
      { keeps: (request) => this.#keeps(request), time: arrivals.time },
    );
  }

  toEnd(): Outcome {
    const { arrivals, timeout } = this.#setting;
    const events = this.#events;
    const { time, count } = arrivals;
    let next = 0;
    let use = this.#use();
    while (this.#settled < count) {
      const arrival = next < count ? time[next]! : Infinity;
      const expiry = this.#expired < next ? time[this.#expired]! + timeout : Infinity;
      const event = events.time;
      this.#now = Math.min(event, arrival, expiry);
      if (this.#now === event) this.#serve(events.source);
      else if (this.#now === arrival) {
        this.#arrive(next++);
        if (next === count) use = this.#use();
      } else this.#expire(this.#expired++);
    }
    return this.#outcome(use, count === 0 ? 0 : time[count - 1]!);
  }

  #arrive(request: number): void {
    const column = this.#setting.arrivals.column[request]!;
    if (this.#isCounted(request)) this.#offered[column]!++;
    const slot = this.#dispatcher.choose(column);
    this.#setting.observer?.came(column, slot, this.#now);
    if (slot >= 0) {
      this.#send(request, slot);
    } else if (this.#reserves === null || !this.#dispatcher.mayEver(column)) {
      this.#settle(request, DONE);
      if (this.#isCounted(request)) this.#refused++;
    } else {
      this.#state[request] = WAITING;
      this.#dispatcher.wait(column, request);
    }
  }

  #send(request: number, slot: number): void {
    const host = this.#hosts[this.#dispatcher.cells[slot]!.host]!;
    const workload = this.#workloadOf(request);
    this.#state[request] = SENT;
    this.#slot[request] = slot;
    this.#sentAt[request] = this.#now;
    this.#others[request] = this.#presentAt(slot);
    this.#dispatcher.sent(slot);
    this.#setting.observer?.sent(slot, this.#now);
    if (!host.accepts(workload)) {
      this.#stage[request] = BEFORE;
      host.backlog[workload]!.push(request);
      return;
    }
    host.advance(this.#now);
    this.#begin(host, request, workload);
    this.#refresh(this.#dispatcher.cells[slot]!.host);
  }

  #begin(host: HostState, request: number, workload: number): void {
    host.begin(workload);
    this.#stage[request] = 0;
    // One that needs nothing is over at once, and an end is an event of a station.
    if (this.#enter(host, request, workload)) return;
    host.stations[0]!.add(request, 0);
    this.#setting.observer?.began(host.index, 0, workload, this.#now);
  }

  /** To the first station from its stage on where it has work; whether there is one. */
  #enter(host: HostState, request: number, workload: number): boolean {
    const { work, resourceCount } = this.#setting.arrivals;
    for (let r = this.#stage[request]!; r < resourceCount; r++) {
      const amount = work[request * resourceCount + r]!;
      if (amount <= 0) continue;
      this.#stage[request] = r;
      host.stations[r]!.add(request, amount * host.conflict(workload, r));
      this.#setting.observer?.began(host.index, r, workload, this.#now);
      return true;
    }
    return false;
  }

  /** A job's end at a station. */
  #serve(source: number): void {
    const R = this.#setting.world.resourceCount;
    const at = Math.floor(source / R);
    const host = this.#hosts[at]!;
    host.advance(this.#now);
    const request = host.stations[source % R]!.take();
    const workload = this.#workloadOf(request);
    this.#setting.observer?.ended(at, source % R, workload, this.#now);
    this.#stage[request]!++;
    if (this.#enter(host, request, workload)) this.#refresh(at);
    else {
      this.#leave(host, workload);
      this.#refresh(at);
      if (this.#state[request] === SENT) this.#answer(request);
      else this.#state[request] = DONE;
    }
  }

  /** An instance is done with a request, and accepts the next one. */
  #leave(host: HostState, workload: number): void {
    host.end(workload);
    const backlog = host.backlog[workload]!;
    while (backlog.size > 0 && host.accepts(workload)) {
      const request = backlog.shift();
      if (this.#state[request] !== DONE) this.#begin(host, request, workload);
    }
  }

  #answer(request: number): void {
    const slot = this.#slot[request]!;
    const { column, time } = this.#setting.arrivals;
    this.#settle(request, DONE);
    if (this.#isCounted(request)) this.#latencies[column[request]!]!.add(this.#now - time[request]!);
    this.#setting.observer?.answered(slot, this.#now - time[request]!, this.#now);
    this.#dispatcher.over(slot);
    const seconds = this.#now - this.#sentAt[request]!;
    this.#reserves?.answered(column[request]!, seconds);
    this.#dispatcher.answered(slot, seconds, this.#now * 1000, this.#others[request]!);
    this.#pull(slot);
  }

  /** A client has waited long enough. */
  #expire(request: number): void {
    const state = this.#state[request]!;
    if (state !== SENT && state !== WAITING) return;
    if (this.#isCounted(request)) this.#timedOut++;
    this.#settle(request, state === SENT && !this.#setting.stops ? LEFT : DONE);
    if (state === WAITING) return;
    const slot = this.#slot[request]!;
    this.#reserves?.unanswered(this.#setting.arrivals.column[request]!, this.#now - this.#sentAt[request]!);
    this.#setting.observer?.left(slot, this.#now);
    if (this.#setting.stops) this.#stop(request, this.#dispatcher.cells[slot]!.host);
    this.#dispatcher.over(slot);
    this.#pull(slot);
  }

  #stop(request: number, at: number): void {
    // Still in the backlog, it is passed over when its turn comes.
    if (this.#stage[request] === BEFORE) return;
    const host = this.#hosts[at]!;
    const workload = this.#workloadOf(request);
    host.advance(this.#now);
    host.stations[this.#stage[request]!]!.abandon();
    this.#setting.observer?.ended(at, this.#stage[request]!, workload, this.#now);
    this.#leave(host, workload);
    this.#refresh(at);
  }

  /** Something may go where something ended. */
  #pull(slot: number): void {
    for (let to = this.#dispatcher.nextAfter(slot); to >= 0; to = this.#dispatcher.nextAfter(slot)) {
      this.#send(this.#dispatcher.takeWaiting(this.#dispatcher.cells[to]!.column), to);
    }
  }

  #keeps(request: number): boolean {
    if (this.#state[request] !== WAITING) return false;
    const { arrivals, timeout } = this.#setting;
    const left = arrivals.time[request]! + timeout - this.#now;
    if (left >= this.#reserves!.seconds[arrivals.column[request]!]!) return true;
    this.#settle(request, DONE);
    if (this.#isCounted(request)) this.#shed++;
    return false;
  }

  /** Its client knows the answer, or does not want it any more. */
  #settle(request: number, state: typeof LEFT | typeof DONE): void {
    this.#state[request] = state;
    this.#settled++;
  }

  #refresh(at: number): void {
    const host = this.#hosts[at]!;
    const { slowdown, stations } = host;
    for (let r = 0; r < stations.length; r++) {
      this.#events.set(at * stations.length + r, stations[r]!.next(slowdown, this.#isOver));
    }
  }

  #workloadOf(request: number): number {
    return this.#setting.world.workloadOf[this.#setting.arrivals.column[request]!]!;
  }

  #presentAt(slot: number): number {
    const { host, column } = this.#dispatcher.cells[slot]!;
    const workload = this.#setting.world.workloadOf[column]!;
    const { active, backlog } = this.#hosts[host]!;
    return active[workload]! + backlog[workload]!.size;
  }

  #isCounted(request: number): boolean {
    return this.#setting.arrivals.time[request]! >= this.#setting.warmUp;
  }

  /** What hosts have done so far. */
  #use(): { given: Float64Array; held: Float64Array } {
    for (const host of this.#hosts) host.advance(this.#now);
    return {
      given: Float64Array.from(this.#hosts.flatMap(({ stations }) => stations.map(({ given }) => given))),
      held: Float64Array.from(this.#hosts, ({ area }) => area),
    };
  }

  /** @param use until the last request came, at `last` */
  #outcome(use: { given: Float64Array; held: Float64Array }, last: number): Outcome {
    const { capacity } = this.#setting.world;
    const all = new Latencies();
    for (const each of this.#latencies) all.addAll(each);
    return {
      ...outcomeOf(
        this.#offered.reduce((a, b) => a + b, 0),
        all,
      ),
      columns: this.#latencies.map((each, column) => outcomeOf(this.#offered[column]!, each)),
      timedOut: this.#timedOut,
      refused: this.#refused,
      shed: this.#shed,
      utilization: use.given.map((given, at) => (last === 0 ? 0 : given / (capacity[at]! * last))),
      present: use.held.map((held) => (last === 0 ? 0 : held / last)),
      ...this.#use(),
      seconds: this.#now,
    };
  }
}

function outcomeOf(offered: number, latencies: Latencies): ColumnOutcome {
  const { count, mean } = latencies;
  return { offered, replied: count, mean, p50: latencies.quantile(0.5), p99: latencies.quantile(0.99) };
}
