/** When each of a fixed number of sources has its next event: the earliest is found, and any moved, in O(log n). */
export class EventQueue {
  readonly #times: Float64Array;
  /** Sources as a binary heap by time, and where in it each is. */
  readonly #heap: Int32Array;
  readonly #place: Int32Array;

  constructor(sources: number) {
    this.#times = new Float64Array(sources).fill(Infinity);
    this.#heap = Int32Array.from({ length: sources }, (_, at) => at);
    this.#place = this.#heap.slice();
  }

  /** The source of the earliest event. */
  get source(): number {
    return this.#heap[0]!;
  }

  /** When that is; Infinity: nothing is to happen. */
  get time(): number {
    return this.#times[this.#heap[0]!]!;
  }

  set(source: number, time: number): void {
    const times = this.#times;
    const before = times[source]!;
    if (time === before) return;
    times[source] = time;
    if (time < before) this.#rise(source, time);
    else this.#sink(source, time);
  }

  #rise(source: number, time: number): void {
    const heap = this.#heap;
    let at = this.#place[source]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent]!;
      if (this.#times[other]! <= time) break;
      heap[at] = other;
      this.#place[other] = at;
      at = parent;
    }
    heap[at] = source;
    this.#place[source] = at;
  }

  #sink(source: number, time: number): void {
    const heap = this.#heap;
    const times = this.#times;
    const size = heap.length;
    let at = this.#place[source]!;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && times[heap[child + 1]!]! < times[heap[child]!]!) child++;
      const other = heap[child]!;
      if (times[other]! >= time) break;
      heap[at] = other;
      this.#place[other] = at;
      at = child;
    }
    heap[at] = source;
    this.#place[source] = at;
  }
}
