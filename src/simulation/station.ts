import { JobHeap } from './job-heap.ts';

/**
 * A resource that all its jobs share equally, each at most so much of it. Virtual time is the work that every job has had
 * since the station was last empty; a job ends when it reaches what it was at the job's beginning, and the job's own work.
 */
export class Station {
  /** Resource-seconds, or bytes, that were given out. */
  given = 0;
  /** Those that work here now. */
  jobs = 0;

  readonly #capacity: number;
  readonly #most: number;
  readonly #ends = new JobHeap();
  #virtual = 0;
  #at = 0;
  /** Virtual time per second. */
  #rate = 0;

  /** @param most how much one job can use */
  constructor(capacity: number, most: number) {
    this.#capacity = capacity;
    this.#most = Math.min(most, capacity);
  }

  /** Time goes on to `now`. Before anything is changed. */
  advance(now: number): void {
    if (this.jobs > 0) {
      const done = this.#rate * (now - this.#at);
      this.#virtual += done;
      this.given += done * this.jobs;
    }
    this.#at = now;
  }

  add(job: number, work: number): void {
    // Sums that grow for ever lose their last digits.
    if (this.jobs === 0 && this.#ends.size === 0) this.#virtual = 0;
    this.#ends.push(this.#virtual + work, job);
    this.jobs++;
  }

  /** The job whose end it is. */
  take(): number {
    // The clock's rounding may have stopped short of it, or gone beyond.
    this.#virtual = this.#ends.key;
    this.jobs--;
    return this.#ends.pop();
  }

  /** A job that is over before its end; it stays in the heap until its turn comes, and is passed over by then. */
  abandon(): void {
    this.jobs--;
  }

  /**
   * When the next job ends, as things are now; Infinity: none.
   * @param slowdown of all the host does, at least 1
   * @param isOver whether a job was abandoned
   */
  next(slowdown: number, isOver: (job: number) => boolean): number {
    const ends = this.#ends;
    while (ends.size > this.jobs && isOver(ends.job)) ends.pop();
    if (this.jobs === 0) return Infinity;
    this.#rate = Math.min(this.#most, this.#capacity / this.jobs) / slowdown;
    // A resource that there is nothing of.
    if (this.#rate === 0) return Infinity;
    return this.#at + Math.max(0, ends.key - this.#virtual) / this.#rate;
  }
}
