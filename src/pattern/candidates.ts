/** Indices gathered during one search: each once, in order when asked for. Made once, cleared per search. */
export class Candidates {
  readonly indices: Int32Array;
  count = 0;
  private readonly stamps: Int32Array;
  private generation = 0;
  private ordered = true;

  /** `size`: all indices are below it. */
  constructor(size: number) {
    this.indices = new Int32Array(size);
    this.stamps = new Int32Array(size);
  }

  clear(): void {
    this.count = 0;
    this.ordered = true;
    if (++this.generation < 0x3fffffff) return;
    this.generation = 1;
    this.stamps.fill(0);
  }

  add(index: number): void {
    if (this.stamps[index] === this.generation) return;
    this.stamps[index] = this.generation;
    if (this.count > 0 && this.indices[this.count - 1]! > index) this.ordered = false;
    this.indices[this.count++] = index;
  }

  /** Ascending, in place: a view for the typed array's own `sort` would be garbage per search. */
  sort(): void {
    if (this.ordered) return;
    const { indices, count } = this;
    for (let gap = count >> 1; gap > 0; gap >>= 1) {
      for (let at = gap; at < count; at++) {
        const value = indices[at]!;
        let to = at;
        for (; to >= gap && indices[to - gap]! > value; to -= gap) indices[to] = indices[to - gap]!;
        indices[to] = value;
      }
    }
    this.ordered = true;
  }
}
