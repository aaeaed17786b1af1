/**
 * Who waits for a server to have room: first come, first served in each line (a row's), and lines whose servers are the same
 * take turns, so that one that is asked for too much does not take what the others wait for.
 *
 * Of one worker: another one may serve who came later. Room that is made by this worker is given away at the end of the turn
 * of the loop, room that others make within POLL.
 *
 * Where it is known until when a waiter is to be answered, it is given up as soon as an answer of its row would come too late
 * for it: nobody would be there, and the server would have worked for nothing.
 */
import { ALWAYS, type ExpectedTime } from '../../scheduler/expected-time.ts';

export interface Waiter {
  /** Null: it does not wait. */
  inQueue: Waiting | null;
  /** There may be room. @returns false where there is none; true: it waits no more */
  admit(): boolean;
  /** Its time is over: it waits no more. */
  waitedInVain(limit: 'queue_time' | 'queue_deadline'): void;
}

/** A row, as far as waiting for it goes. */
export interface Awaited {
  readonly expected: ExpectedTime;
}

/** For how long somebody waits. */
export interface Patience {
  /** Milliseconds in the queue. */
  readonly timeout: number;
  /** Milliseconds until it must have its answer; absent: nobody knows. */
  readonly deadline?: number;
}

export interface Waiting {
  readonly waiter: Waiter;
  /** A server was chosen for it, and counted, before that turned out to be full. */
  readonly chosen: boolean;
  /** Of the monotonic clock, milliseconds. */
  readonly since: number;
  readonly until: number;
  /** When it must be answered, and when it is given up at the earliest for want of time; Infinity. */
  readonly answerBy: number;
  readonly keptUntil: number;
}

/** Milliseconds between two looks for room that other workers have made, and for whose time is over. */
const POLL = 5;
const EXPIRY = 50;

export class Queue {
  /** By row. Those that have left are still in their lines: `waiter.inQueue` tells. */
  readonly #lines = new Map<Awaited, Waiting[]>();
  readonly #now: () => number;
  #isLooking = false;
  #expiresAt = 0;
  #isDue = false;
  /** Waiters. */
  size = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whoever comes to this row now comes after others. */
  has(row: Awaited): boolean {
    return this.size > 0 && this.#lines.has(row);
  }

  /** @param asked when its request came */
  enter(
    waiter: Waiter,
    row: Awaited,
    { timeout, deadline = Infinity }: Patience,
    asked: number,
    chosen: boolean,
  ): void {
    const since = this.#now();
    const [answerBy, keptUntil] = [asked + deadline, asked + ALWAYS * deadline];
    const waiting = { waiter, chosen, since, until: since + timeout, answerBy, keptUntil };
    waiter.inQueue = waiting;
    this.size++;
    const line = this.#lines.get(row);
    if (line === undefined) this.#lines.set(row, [waiting]);
    else line.push(waiting);
    if (!this.#isLooking) this.#lookLater();
  }

  /** @returns milliseconds for which it has waited */
  leave(waiter: Waiter): number {
    const { since } = waiter.inQueue!;
    waiter.inQueue = null;
    this.size--;
    return this.#now() - since;
  }

  /** A server has one request less. */
  roomMade(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#admit();
    });
  }

  #lookLater(): void {
    this.#isLooking = true;
    setTimeout(() => {
      this.#isLooking = false;
      this.#expire();
      this.#admit();
      if (this.#lines.size > 0) this.#lookLater();
    }, POLL);
  }

  /** Each line's first in turn, as long as there is room for any. */
  #admit(): void {
    const now = this.#now();
    for (const [row, line] of this.#lines) {
      while (line.length > 0 && !keeps(row, line[0]!, now)) line.shift();
      const [first] = line;
      if (first === undefined) this.#lines.delete(row);
      else if (first.waiter.admit()) {
        // the others' first ones come before its second
        this.#lines.delete(row);
        this.#lines.set(row, line);
      }
    }
  }

  /** Rows that several virtual servers share may have several times to wait: all are looked at. */
  #expire(): void {
    const now = this.#now();
    if (now < this.#expiresAt) return;
    this.#expiresAt = now + EXPIRY;
    for (const [row, line] of this.#lines) for (const waiting of line) keeps(row, waiting, now);
  }
}

/** Whether it waits on; one for which it is too late is told so by the question. */
function keeps({ expected }: Awaited, waiting: Waiting, now: number): boolean {
  if (!isWaiting(waiting)) return false;
  if (waiting.until <= now) waiting.waiter.waitedInVain('queue_time');
  else if (waiting.keptUntil <= now && waiting.answerBy < now + expected.milliseconds)
    waiting.waiter.waitedInVain('queue_deadline');
  else return true;
  return false;
}

const isWaiting = (waiting: Waiting): boolean => waiting.waiter.inQueue === waiting;
