/**
 * Hands out indices into shared memory. A slot that is given back rests for a grace period, because a worker may still
 * hold the plan that named it; only then is it reset and handed out again.
 */
export class SlotAllocator {
  readonly name: string;
  readonly capacity: number;
  readonly #hooks: SlotHooks;
  readonly #free: number[] = [];
  #resting: { readonly slot: number; readonly until: number }[] = [];
  #fresh = 0;

  constructor(name: string, capacity: number, hooks: SlotHooks) {
    this.name = name;
    this.capacity = capacity;
    this.#hooks = hooks;
  }

  /** Moves slots whose grace period is over to the free ones. `now` in milliseconds of any monotonic clock. */
  settle(now: number): void {
    const resting = this.#resting;
    if (resting.length === 0 || resting[0]!.until > now) return;
    const later: { slot: number; until: number }[] = [];
    for (const entry of resting) {
      if (entry.until > now) later.push(entry);
      else if (this.#hooks.idle !== undefined && !this.#hooks.idle(entry.slot)) later.push(entry);
      else {
        this.#hooks.rested?.(entry.slot);
        this.#free.push(entry.slot);
      }
    }
    this.#resting = later;
  }

  get available(): number {
    return this.#free.length + this.capacity - this.#fresh;
  }

  /** Slots that are given out, or rest. */
  get used(): number {
    return this.capacity - this.available;
  }

  /** Throws where `available` is 0: callers check their whole need before they take the first. */
  take(): number {
    // Reuse first: memory that nobody has touched costs nothing.
    const reused = this.#free.pop();
    if (reused !== undefined) {
      this.#hooks.reset(reused);
      return reused;
    }
    if (this.#fresh === this.capacity) throw new CapacityError(this.name, this.capacity, this.capacity + 1);
    return this.#fresh++;
  }

  release(slot: number, until: number): void {
    this.#resting.push({ slot, until });
  }
}

export interface SlotHooks {
  /** Called before a slot is handed out for the second time. */
  readonly reset: (slot: number) => void;
  /** Called when a slot's grace period is over: the last time that what it holds belongs to its old owner. */
  readonly rested?: (slot: number) => void;
  /** False: somebody still counts on the slot (a request in flight); it rests on. */
  readonly idle?: (slot: number) => boolean;
}

/** A plan cannot be made; the one before it stays in force. The message is for people. */
export class PlanError extends Error {
  override name = 'PlanError';
}

/** A configuration needs more of something than shared memory holds. */
export class CapacityError extends PlanError {
  override name = 'CapacityError';
  readonly what: string;

  constructor(what: string, capacity: number, needed: number) {
    super(`too many ${what}: ${needed} are needed, ${capacity} are possible; the configuration before stays in force`);
    this.what = what;
  }
}
