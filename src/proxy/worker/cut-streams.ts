/**
 * Streams that we have reset before the client had ended its side: what it says of them may have been on its way (RFC 9113
 * §5.1). Whatever comes for another stream that is over is a fault.
 */

/** More than a client can have had at once, by far. */
const MOST = 1024;

export class CutStreams {
  private readonly ids = new Set<number>();
  /** Nothing is known any more of streams up to here. */
  private forgotten = 0;

  add(id: number): void {
    this.ids.add(id);
    if (this.ids.size <= MOST) return;
    for (const oldest of this.ids) {
      this.ids.delete(oldest);
      this.forgotten = Math.max(this.forgotten, oldest);
      return;
    }
  }

  /** The client has ended its side. */
  ended(id: number): void {
    this.ids.delete(id);
  }

  has(id: number): boolean {
    return id <= this.forgotten || this.ids.has(id);
  }
}
