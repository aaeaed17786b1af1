/** Hands out indices into shared memory. */
export class SlotAllocator {
  readonly name: string;
  readonly capacity: number;
  readonly #reset: (slot: number) => void;
  readonly #free: number[] = [];
  #fresh = 0;

  /** @param reset called before a slot is handed out for the second time */
  constructor(name: string, capacity: number, reset: (slot: number) => void) {
    this.name = name;
    this.capacity = capacity;
    this.#reset = reset;
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
      this.#reset(reused);
      return reused;
    }
    if (this.#fresh === this.capacity) throw new CapacityError(this.name, this.capacity, this.capacity + 1);
    return this.#fresh++;
  }

  /** The slot has rested long enough: nobody writes to it any more. */
  free(slot: number): void {
    this.#free.push(slot);
  }
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
