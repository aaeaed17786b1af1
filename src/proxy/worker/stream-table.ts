/** The streams of one connection by their numbers. */
import type { UpstreamStream } from './upstream-stream.ts';

/** Each stream has a place of its own among so many; more than may be there at once. */
const PLACES = 1024;
const LAST_ID = 0x7fffffff;

export class StreamTable {
  private readonly places: (UpstreamStream | null)[] = Array.from({ length: PLACES }, () => null);
  private nextId = 1;

  /** Gives a stream the next number whose place is free: those that are left out are never used. */
  add(stream: UpstreamStream): void {
    while (this.places[(this.nextId >>> 1) % PLACES] !== null) this.nextId += 2;
    stream.id = this.nextId;
    this.places[(this.nextId >>> 1) % PLACES] = stream;
    this.nextId += 2;
  }

  remove(stream: UpstreamStream): void {
    this.places[(stream.id >>> 1) % PLACES] = null;
    stream.id = 0;
  }

  find(id: number): UpstreamStream | null {
    const stream = this.places[(id >>> 1) % PLACES]!;
    return stream !== null && stream.id === id ? stream : null;
  }

  /** We have never begun it. */
  isUnknown(id: number): boolean {
    return (id & 1) === 0 || id >= this.nextId;
  }

  /** Hardly a number is left. */
  get isUsedUp(): boolean {
    return this.nextId > LAST_ID - 4 * PLACES;
  }

  /** Those that there are now. */
  all(): UpstreamStream[] {
    return this.places.filter((stream) => stream !== null);
  }
}
