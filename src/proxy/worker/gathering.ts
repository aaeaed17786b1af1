/**
 * When requests go out to a server that takes many on one connection. A write costs what six turns of an idle loop do, at
 * the server's side as much again, and the answers come back in as many pieces: while each turn brings further
 * requests they are put together, as long as that takes but a few turns.
 */

/** Streams at once from which on others are likely to follow within microseconds. */
const LEAST_ACTIVE = 8;
const MOST_TURNS = 16;
const MOST_BYTES = 8192;

export class Gathering {
  /** Requests since the last write. */
  private requests = 0;
  /** Those of them that were there when the last turn ended. */
  private before = 0;
  private turns = 0;

  add(): void {
    this.requests++;
  }

  /**
   * Whether to wait for another turn, at the end of this one; the next call of either kind is about the next one.
   * @param active streams that have no whole answer yet, these requests among them
   * @param bytes what is there to be written
   */
  goesOn(active: number, bytes: number): boolean {
    const { requests } = this;
    // half of all that are under way: the others wait for answers
    if (requests === this.before || active < LEAST_ACTIVE || 2 * requests >= active) return false;
    if (bytes > MOST_BYTES || this.turns === MOST_TURNS) return false;
    this.before = requests;
    this.turns++;
    return true;
  }

  /** All of it is written. */
  ends(): void {
    this.requests = this.before = this.turns = 0;
  }
}
