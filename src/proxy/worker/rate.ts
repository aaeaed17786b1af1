/**
 * A limit of requests per time, kept by all workers together in one 64-bit number: when the next request would be due if
 * all came evenly (the generic cell rate algorithm, ITU-T I.371; a token bucket that stores neither tokens nor the time
 * of the last refill). A request takes its place by one compare-and-exchange: no lock, and exact whoever comes first.
 */
import type { RateLimit } from '../../model/snapshot.ts';

const NANOSECONDS = 1_000_000n;

export class Rate {
  readonly limit: RateLimit;
  readonly #due: BigInt64Array;
  readonly #slot: number;
  readonly #replicas: Int32Array;
  #dividedBy = -1;
  /** Nanoseconds from one request to the next, and how far ahead of the clock they may be. */
  #interval = 0n;
  #ahead = 0n;

  /**
   * @param due when the next one is due, nanoseconds of the system's monotonic clock, which is the same in all threads
   * @param replicas at 0: among how many proxies the limit is divided; may change at any time
   */
  constructor(limit: RateLimit, due: BigInt64Array, slot: number, replicas: Int32Array) {
    this.limit = limit;
    this.#due = due;
    this.#slot = slot;
    this.#replicas = replicas;
  }

  /** @returns 0: it may come; else after how many seconds the next one may */
  take(now: bigint = process.hrtime.bigint()): number {
    const replicas = this.#replicas[0]!;
    if (replicas !== this.#dividedBy) this.#divide(replicas);
    for (;;) {
      const due = Atomics.load(this.#due, this.#slot);
      const next = (due > now ? due : now) + this.#interval;
      const early = next - now - this.#ahead;
      if (early > 0n) return Math.max(1, Math.ceil(Number(early) / 1e9));
      if (Atomics.compareExchange(this.#due, this.#slot, due, next) === due) return 0;
    }
  }

  #divide(replicas: number): void {
    const { requests, per, burst } = this.limit;
    const among = Math.max(1, replicas);
    this.#dividedBy = replicas;
    this.#interval = (BigInt(per) * NANOSECONDS * BigInt(among)) / BigInt(requests);
    this.#ahead = this.#interval * BigInt(Math.max(1, Math.floor(burst / among)));
  }
}

/** 0: the request (or connection) is within the rule's limit and the virtual server's; else after how many seconds it may be. */
export function secondsToWait(target: Limited, virtualServer: Limited): number {
  const wait = target.rate === null ? 0 : target.rate.take();
  return wait === 0 && virtualServer.rate !== null ? virtualServer.rate.take() : wait;
}

interface Limited {
  readonly rate: Rate | null;
}
