/** Whether an event loop is late for long. A pause (a collection, a suspended process) is one late look, and no reason. */

/** Milliseconds that a look comes too late. */
const LATE = 500;
/** So many looks in a row that are as late: at least 2.75 s in which nobody was served in time. */
const LATE_LOOKS = 5;
/** From late to well again it must have become this good, … */
const WELL = 250;
/** … so many looks in a row. */
const WELL_LOOKS = 3;

export class Lateness {
  late = false;
  private readonly interval: number;
  private lookedAt: number;
  /** Looks in a row that speak against what is held now. */
  private contrary = 0;

  /** @param interval milliseconds between two looks of a loop that is not late */
  constructor(interval: number, now: number) {
    this.interval = interval;
    this.lookedAt = now;
  }

  /** To be called once in each interval. @returns whether it is late */
  look(now: number): boolean {
    const lag = now - this.lookedAt - this.interval;
    this.lookedAt = now;
    if (this.late ? lag < WELL : lag > LATE) this.contrary++;
    else this.contrary = 0;
    if (this.contrary < (this.late ? WELL_LOOKS : LATE_LOOKS)) return this.late;
    this.contrary = 0;
    this.late = !this.late;
    return this.late;
  }
}
