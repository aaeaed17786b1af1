/** The workers: hands connections to them, watches their heartbeats, replaces those that die or stall. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { backoff } from '../backoff.ts';
import type { FromWorker, ToWorker } from '../messages.ts';
import { RateLimitedLog, type Log } from './log.ts';
import type { MainMemory } from './memory.ts';
import { WorkerMember, type MemberEvents, type StartOptions } from './worker-member.ts';

/** Milliseconds for which a worker may be silent; it stores its heartbeat every 100 ms. */
export interface Patience {
  /** New connections avoid it. */
  readonly late: number;
  /** It is replaced (robustness: "a worker that stalls for 2 s is replaced"). */
  readonly stalled: number;
}

const PATIENCE: Patience = { late: 500, stalled: 2000 };
const TICK = 250;
/** A worker that moves bytes may be silent for this many times as long. */
const LONGEST_TURN = 5;
/** For the first configuration, and for each one after it. */
const CONFIGURE_DEADLINE = 10_000;
/** A worker that lived this long has not crashed in a loop. */
const STEADY = 10_000;
/** Connections that wait while no worker can take them. */
const WAITING_ROOM = 1024;

export class WorkerPool {
  readonly members: readonly WorkerMember[];
  readonly #options: PoolOptions;
  readonly #rare: RateLimitedLog;
  readonly #patience: Patience;
  readonly #acknowledgements = new Set<Acknowledgement>();
  readonly #crashes = new Map<WorkerMember, number>();
  #waiting: { readonly listener: string; readonly socket: Socket }[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | null = null;
  #tickedAt = 0;
  #closed = false;
  readonly #standing = new Map<string, ToWorker>();
  readonly #abort = new AbortController();

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#rare = new RateLimitedLog(options.log);
    this.#patience = options.patience ?? PATIENCE;
    this.members = Array.from({ length: options.count }, (_, index) => new WorkerMember(index, options.memory));
  }

  /** Resolves when all workers have their first configuration; rejects with what ended the last one if none comes up. */
  async start(): Promise<void> {
    this.#tickedAt = performance.now();
    this.#timer = setInterval(() => this.#watch(), TICK);
    const first = this.members.map(
      (member) =>
        new Promise<unknown>((resolve) => {
          this.#start(member, resolve);
        }),
    );
    const failures = await Promise.all(first);
    if (failures.every((failure) => failure !== null)) {
      await this.close();
      throw new Error('no worker came up', { cause: failures[0] });
    }
  }

  /** Posts a configuration to all workers; resolves when those that are alive have acknowledged it, or are gone. */
  configure(message: Extract<ToWorker, { type: 'configure' }>): Promise<void> {
    const running = this.members.filter((member) => member.running);
    for (const member of running) member.post(message);
    const live = running.filter((member) => member.live);
    const pending = new Set(live.length > 0 ? live : running);
    if (pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#acknowledgements.add({ generation: message.generation, pending, resolve, since: performance.now() });
    });
  }

  /** Tells all workers, and those that will replace them. */
  broadcast(message: Extract<ToWorker, { type: 'drain' | 'logLevel' | 'cookieKeys' | 'ticketKeys' }>): void {
    this.#standing.set(message.type, message);
    for (const member of this.members) member.post(message);
  }

  /** Takes the socket over; false: there was no place for it, and it is closed. */
  hand(listener: string, socket: Socket): boolean {
    const member = this.#choose();
    if (member !== null) {
      if (!member.hand(listener, socket)) socket.destroy();
      return true;
    }
    if (this.#closed || this.#waiting.length >= WAITING_ROOM) {
      socket.destroy();
      return false;
    }
    this.#waiting.push({ listener, socket });
    return true;
  }

  /** Connections of all workers, those under way and those that wait. */
  get connections(): number {
    let sum = this.#waiting.length;
    for (const member of this.members) sum += member.load;
    return sum;
  }

  get live(): boolean {
    return this.members.some((member) => member.live);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#abort.abort();
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
    await Promise.all(this.members.map((member) => member.terminate()));
  }

  /** The least loaded worker that is heard; among equals, the next in turn. */
  #choose(): WorkerMember | null {
    const { members } = this;
    const now = performance.now();
    let best: WorkerMember | null = null;
    let least = Infinity;
    for (let i = 0; i < members.length; i++) {
      const member = members[(this.#next + i) % members.length]!;
      if (!member.live || member.silence(now) > this.#patience.late) continue;
      const { load } = member;
      if (load >= least) continue;
      best = member;
      least = load;
    }
    if (best !== null) this.#next = (best.index + 1) % members.length;
    return best;
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const { listener, socket } of waiting) this.hand(listener, socket);
  }

  #start(member: WorkerMember, settled?: (failure: unknown) => void): void {
    const events: MemberEvents = {
      message: (_, message) => {
        if (message.type === 'configured') {
          this.#configured(member, message.generation);
          settled?.(null);
        } else this.#options.message(message, member.index);
      },
      exit: (_, failure) => {
        settled?.(failure);
        this.#lost(member, failure);
      },
    };
    member.start(this.#options.start, events);
    member.post(this.#options.current());
    for (const message of this.#standing.values()) member.post(message);
  }

  #configured(member: WorkerMember, generation: number): void {
    member.acknowledged = generation;
    if (!member.live && !member.ending) {
      member.becameLive(performance.now());
      this.#options.log.info({ worker: member.index, restarts: member.restarts }, 'worker is up');
    }
    for (const waiter of this.#acknowledgements) if (waiter.generation <= generation) this.#strike(waiter, member);
    this.#flush();
  }

  #strike(waiter: Acknowledgement, member: WorkerMember): void {
    if (!waiter.pending.delete(member) || waiter.pending.size > 0) return;
    this.#acknowledgements.delete(waiter);
    waiter.resolve();
  }

  #lost(member: WorkerMember, failure: unknown): void {
    for (const waiter of this.#acknowledgements) this.#strike(waiter, member);
    if (this.#closed) return;
    const steady = performance.now() - member.startedAt.time > STEADY;
    const crashes = steady ? 0 : (this.#crashes.get(member) ?? 0);
    this.#crashes.set(member, crashes + 1);
    const delay = backoff(crashes);
    this.#options.log.error({ worker: member.index, err: failure, delay }, 'worker is gone and will be replaced');
    void this.#restart(member, delay);
  }

  async #restart(member: WorkerMember, delay: number): Promise<void> {
    try {
      await sleep(delay, undefined, { signal: this.#abort.signal });
    } catch {
      return;
    }
    member.restarts++;
    this.#start(member);
  }

  #watch(): void {
    const now = performance.now();
    const away = now - this.#tickedAt > this.#patience.stalled / 2;
    this.#tickedAt = now;
    for (const member of this.members) {
      if (!member.running || member.ending) continue;
      member.tick(now);
      if (away) member.forgive(now);
      const problem = this.#problem(member, now);
      if (problem === null) continue;
      this.#rare.warn({ worker: member.index }, problem);
      void member.terminate();
    }
    this.#flush();
  }

  /** Why the worker must be replaced; null: all is well. */
  #problem(member: WorkerMember, now: number): string | null {
    if (!member.live) return now - member.startedAt.time > CONFIGURE_DEADLINE ? 'worker does not come up' : null;
    const { stalled } = this.#patience;
    if (member.idleness(now, LONGEST_TURN * stalled) > stalled) return 'worker stalls';
    for (const { pending, since } of this.#acknowledgements) {
      if (now - since > CONFIGURE_DEADLINE && pending.has(member)) return 'worker does not take its configuration';
    }
    return null;
  }
}

export interface PoolOptions {
  readonly count: number;
  readonly patience?: Patience;
  readonly memory: MainMemory;
  readonly start: StartOptions;
  readonly log: Log;
  /** The configuration in force, whole. */
  readonly current: () => Extract<ToWorker, { type: 'configure' }>;
  readonly message: (message: Exclude<FromWorker, { type: 'configured' }>, worker: number) => void;
}

interface Acknowledgement {
  readonly generation: number;
  readonly pending: Set<WorkerMember>;
  readonly since: number;
  readonly resolve: () => void;
}
