import type { ServerResponse } from 'node:http';

import { HOLD, type SyncRequest } from '../wire.ts';
import type { Offers } from './offers.ts';
import { answer, Refused } from './requests.ts';

interface Held {
  readonly uid: string;
  readonly request: SyncRequest;
  readonly response: ServerResponse;
  readonly timer: NodeJS.Timeout;
}

/** Of one pod: two serving processes during a hot restart, and what a broken connection has left behind. */
const PER_POD = 4;
/** Answers in one turn of the event loop. */
const AT_ONCE = 200;

/** Syncs that wait for something new. */
export class HeldSyncs {
  readonly #offers: Offers;
  readonly #sent: (bytes: number) => void;
  readonly #held = new Set<Held>();
  readonly #byPod = new Map<string, number>();
  #closed = false;

  constructor(offers: Offers, sent: (bytes: number) => void) {
    this.#offers = offers;
    this.#sent = sent;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Answers at once, or as soon as there is something newer, or that there is nothing. Errors: Refused. */
  hold(uid: string, request: SyncRequest, response: ServerResponse): void {
    const newer = this.#offers.newer(request);
    if (newer !== null || !request.hold || this.#closed) return this.#answer(response, newer);
    const others = this.#byPod.get(uid) ?? 0;
    if (others >= PER_POD) throw new Refused(429, 'busy', `${PER_POD} syncs of this pod wait already`);
    this.#byPod.set(uid, others + 1);
    // Spread, so that proxies that came together do not ask together for ever.
    const hold = HOLD * (0.8 + 0.2 * Math.random());
    const timer = setTimeout(() => {
      this.#release(held);
      this.#answer(response, this.#offers.versions(request));
    }, hold);
    const held: Held = { uid, request, response, timer };
    this.#held.add(held);
    response.once('close', () => this.#release(held));
  }

  /** There may be something newer: answers whom it concerns, and lets other events have their turn between. */
  async wake(): Promise<void> {
    let count = 0;
    // Those that come while it lasts have seen what is newest already.
    for (const held of Array.from(this.#held)) {
      if (++count % AT_ONCE === 0) await turn();
      if (!this.#held.has(held)) continue;
      const newer = this.#offers.newer(held.request);
      if (newer === null) continue;
      this.#release(held);
      this.#answer(held.response, newer);
    }
  }

  /** Answers all that there is nothing, now and from now on. */
  close(): void {
    this.#closed = true;
    for (const held of this.#held) {
      this.#release(held);
      this.#answer(held.response, null);
    }
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    clearTimeout(held.timer);
    const others = (this.#byPod.get(held.uid) ?? 1) - 1;
    if (others === 0) this.#byPod.delete(held.uid);
    else this.#byPod.set(held.uid, others);
  }

  #answer(response: ServerResponse, body: Buffer | null): void {
    if (this.#closed) response.setHeader('Connection', 'close');
    if (body !== null) this.#sent(body.length);
    answer(response, body);
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
