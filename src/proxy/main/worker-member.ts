/** One worker thread as the main thread sees it: its life, its heartbeat, and how many connections it has. */
import type { Socket } from 'node:net';
import { Worker, type ResourceLimits } from 'node:worker_threads';

import type { FromWorker, ProxySettings, ToWorker, WorkerData } from '../messages.ts';
import { GLOBAL, type SharedBuffers } from '../shared.ts';
import type { MainMemory } from './memory.ts';

export class WorkerMember {
  readonly index: number;
  restarts = 0;
  /** Has acknowledged its first configuration. */
  live = false;
  /** It failed, or was told to end; 'exit' is to come. */
  ending = false;
  /** Last generation it acknowledged. */
  acknowledged = -1;
  readonly startedAt = { time: 0 };
  #worker: Worker | null = null;
  readonly #memory: MainMemory;
  #beat = 0;
  #beatSeenAt = 0;
  /** What it had moved when that was last looked at, and when it was last seen to move more. */
  #moved = 0;
  #movedAt = 0;
  /** Connections handed over since the thread started, and how many of them it has taken up for sure. */
  #posted = 0;
  #taken = 0;
  #postedAtTick = 0;
  #acceptedBefore = 0;

  constructor(index: number, memory: MainMemory) {
    this.index = index;
    this.#memory = memory;
  }

  get running(): boolean {
    return this.#worker !== null;
  }

  start(options: StartOptions, events: MemberEvents): void {
    const { buffers, settings, workers } = options;
    const workerData: WorkerData = { index: this.index, workers, buffers, settings };
    this.#posted = this.#taken = this.#postedAtTick = 0;
    this.#acceptedBefore = this.#counter(GLOBAL.connectionsAccepted);
    this.acknowledged = -1;
    this.ending = false;
    this.startedAt.time = performance.now();
    const worker = new Worker(options.url, {
      workerData,
      name: `worker ${this.index}`,
      resourceLimits: { maxYoungGenerationSizeMb: NURSERY, ...options.resourceLimits },
    });
    this.#worker = worker;
    let failure: unknown = null;
    worker.on('message', (message: FromWorker) => events.message(this, message));
    worker.on('error', (error) => {
      failure = error;
      // Its connections are lost with it; no more of them.
      this.live = false;
      this.ending = true;
    });
    // A thread always ends with 'exit', whatever ended it.
    worker.once('exit', (code) => {
      this.#worker = null;
      this.live = false;
      this.#memory.forgetWorker(this.index);
      events.exit(this, failure ?? new Error(`ended with code ${code}`));
    });
  }

  becameLive(now: number): void {
    this.live = true;
    this.#beat = this.#memory.heartbeat(this.index);
    this.#beatSeenAt = now;
  }

  post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** False: the peer is gone already, and the socket could not be transferred. */
  hand(listener: string, socket: Socket): boolean {
    try {
      const message: ToWorker = { type: 'connection', listener, socket };
      // @types/node does not list sockets among what can be transferred; Node 26 does it.
      this.#worker!.postMessage(message, [socket as never]);
      this.#posted++;
      return true;
    } catch {
      return false;
    }
  }

  /** Connections it has, and those on the way to it. */
  get load(): number {
    const accepted = this.#counter(GLOBAL.connectionsAccepted) - this.#acceptedBefore;
    const underWay = this.#posted - Math.max(accepted, this.#taken);
    return this.#counter(GLOBAL.connectionsActive) + Math.max(0, underWay);
  }

  /** What was handed over before the last tick has arrived by now, counted or not. */
  tick(now: number): void {
    this.#taken = this.#postedAtTick;
    this.#postedAtTick = this.#posted;
    const moved = MOVEMENT.reduce((sum, counter) => sum + this.#counter(counter), 0);
    if (moved !== this.#moved) this.#movedAt = now;
    this.#moved = moved;
  }

  /**
   * Milliseconds since its heartbeat was last seen to change: its clock is not compared with ours, so that neither a
   * jump of the wall clock nor a stall of this thread condemns it.
   */
  silence(now: number): number {
    const beat = this.#memory.heartbeat(this.index);
    if (beat !== this.#beat) {
      this.#beat = beat;
      this.#beatSeenAt = now;
    }
    return now - this.#beatSeenAt;
  }

  /**
   * Milliseconds for which it has done nothing. A heart beats once in a turn of the loop, and a turn is long where a
   * thousand connections have a megabyte each and the processors are short: whoever moves bytes is at work, up to `most` ms
   * in one turn (a loop that never ends moves bytes, too).
   */
  idleness(now: number, most: number): number {
    const silence = this.silence(now);
    return silence > most ? silence : Math.min(silence, now - this.#movedAt);
  }

  /** This thread itself was away: the worker gets a fresh chance to be heard. */
  forgive(now: number): void {
    this.#beatSeenAt = now;
  }

  async terminate(): Promise<void> {
    this.live = false;
    this.ending = true;
    await this.#worker?.terminate();
  }

  #counter(index: number): number {
    return this.#memory.counters[this.index]!.global[index]!;
  }
}

/** What grows while it works. */
const MOVEMENT: readonly number[] = [
  GLOBAL.requests,
  GLOBAL.connectionsAccepted,
  GLOBAL.bytesReceived,
  GLOBAL.bytesSent,
];

/** Megabytes, three times a semi-space of 8: what a request leaves behind dies young. */
const NURSERY = 24;

export interface StartOptions {
  readonly url: URL;
  readonly buffers: SharedBuffers;
  readonly settings: ProxySettings;
  readonly workers: number;
  readonly resourceLimits?: ResourceLimits;
}

export interface MemberEvents {
  readonly message: (member: WorkerMember, message: FromWorker) => void;
  /** `failure` says what ended it. */
  readonly exit: (member: WorkerMember, failure: unknown) => void;
}
