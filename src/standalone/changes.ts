const QUIET = 8;
const CAP = 40;

/**
 * Joins what a watch tells into single looks at the files: a writer truncates, writes and renames within a millisecond or
 * two, and `git checkout` touches hundreds of files. A look follows `QUIET` ms after the last event, but not later than
 * `CAP` ms after the first one.
 */
export class Changes {
  readonly #look: (noticed: number) => Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  #laterTimer: NodeJS.Timeout | null = null;
  #first: number | null = null;
  #looking = false;
  #again: number | null = null;
  #lastLook = { ended: 0, took: 0 };
  #unsettledSince: number | null = null;
  #closed = false;

  /** `look` gets the time (`performance.now()`) of the first event that it answers. */
  constructor(look: (noticed: number) => Promise<void>) {
    this.#look = look;
  }

  event(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#first ??= now;
    this.#arm(Math.max(0, Math.min(QUIET, this.#first + CAP - now)));
  }

  /** Time for a look without an event; left out while looks take so long that they would load the machine. */
  tick(): void {
    const { ended, took } = this.#lastLook;
    if (performance.now() - ended >= 50 * took) this.event();
  }

  /**
   * Whether a change that should stand for `hold` ms has done so in a look that began then (`performance.now()`); if not,
   * another look is made when it has. The caller asks at every look at which the change is seen, and calls `clear` when it
   * is not.
   */
  settled(hold: number, began: number): boolean {
    const now = performance.now();
    this.#unsettledSince ??= now;
    const due = this.#unsettledSince + hold;
    if (began >= due) {
      this.#unsettledSince = null;
      return true;
    }
    this.#first ??= now;
    this.#arm(Math.max(0, due - now));
    return false;
  }

  /** Another look in so many milliseconds, whatever happens until then. */
  later(milliseconds: number): void {
    if (this.#closed) return;
    if (this.#laterTimer !== null) clearTimeout(this.#laterTimer);
    this.#laterTimer = setTimeout(() => {
      this.#laterTimer = null;
      this.event();
    }, milliseconds).unref();
  }

  clear(): void {
    this.#unsettledSince = null;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#laterTimer !== null) clearTimeout(this.#laterTimer);
  }

  #arm(milliseconds: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#run();
    }, milliseconds);
  }

  async #run(): Promise<void> {
    const noticed = this.#first ?? performance.now();
    this.#first = null;
    if (this.#looking) {
      this.#again ??= noticed;
      return;
    }
    this.#looking = true;
    const started = performance.now();
    await this.#look(noticed);
    const ended = performance.now();
    this.#lastLook = { ended, took: ended - started };
    this.#looking = false;
    if (this.#again !== null && !this.#closed) {
      this.#first = this.#again;
      this.#again = null;
      this.#arm(0);
    }
  }
}
