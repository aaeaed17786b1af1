/** A binary heap of (key, job): the smallest key first. Flat arrays, since it is most of what a simulation does. */
export class JobHeap {
  size = 0;
  #keys = new Float64Array(16);
  #jobs = new Int32Array(16);

  /** Smallest key; Infinity where it is empty. */
  get key(): number {
    return this.size === 0 ? Infinity : this.#keys[0]!;
  }

  /** The job of the smallest key; the heap must not be empty. */
  get job(): number {
    return this.#jobs[0]!;
  }

  push(key: number, job: number): void {
    if (this.size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    const jobs = this.#jobs;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      jobs[at] = jobs[parent]!;
      at = parent;
    }
    keys[at] = key;
    jobs[at] = job;
  }

  /** Takes the smallest away. */
  pop(): number {
    const keys = this.#keys;
    const jobs = this.#jobs;
    const first = jobs[0]!;
    const size = --this.size;
    const key = keys[size]!;
    const job = jobs[size]!;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      jobs[at] = jobs[child]!;
      at = child;
    }
    keys[at] = key;
    jobs[at] = job;
    return first;
  }

  #grow(): void {
    const keys = new Float64Array(2 * this.#keys.length);
    const jobs = new Int32Array(2 * this.#jobs.length);
    keys.set(this.#keys);
    jobs.set(this.#jobs);
    this.#keys = keys;
    this.#jobs = jobs;
  }
}
