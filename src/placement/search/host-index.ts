/**
 * Hosts in buckets by what is left of them: a square of levels of capacity and memory. Looking for a host of a certain size
 * walks over the buckets that can have it, not over all hosts.
 */
const NONE = -1;
const LEVELS = 24;
const MEMORY_LEVELS = 12;

export class HostIndex {
  readonly #first = new Int32Array(LEVELS * MEMORY_LEVELS).fill(NONE);
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #bucket: Int32Array;
  readonly #mostLeft: number;
  readonly #mostMemory: number;

  /** @param mostLeft, mostMemory the largest that a host can have left */
  constructor(hosts: number, mostLeft: number, mostMemory: number) {
    this.#next = new Int32Array(hosts);
    this.#previous = new Int32Array(hosts);
    this.#bucket = new Int32Array(hosts).fill(NONE);
    this.#mostLeft = mostLeft;
    this.#mostMemory = mostMemory;
  }

  /** Puts a host where it belongs now. */
  update(host: number, left: number, memory: number): void {
    const bucket = this.#level(left) * MEMORY_LEVELS + this.#memoryLevel(memory);
    const old = this.#bucket[host]!;
    if (old === bucket) return;
    if (old !== NONE) {
      const before = this.#previous[host]!;
      const after = this.#next[host]!;
      if (before === NONE) this.#first[old] = after;
      else this.#next[before] = after;
      if (after !== NONE) this.#previous[after] = before;
    }
    const head = this.#first[bucket]!;
    this.#bucket[host] = bucket;
    this.#next[host] = head;
    this.#previous[host] = NONE;
    if (head !== NONE) this.#previous[head] = host;
    this.#first[bucket] = host;
  }

  /**
   * Visits some hosts of every bucket that can have so much memory left, until `visit` says false: those with about `left`
   * and more, the least first, then the others, the most first. Hosts of a bucket are much alike, so a few stand for all.
   */
  visit(left: number, memory: number, perBucket: number, visit: (host: number) => void): void {
    const start = this.#level(left);
    for (let level = start; level < LEVELS; level++) this.#row(level, memory, perBucket, visit);
    for (let level = start - 1; level >= 0; level--) this.#row(level, memory, perBucket, visit);
  }

  #row(level: number, memory: number, perBucket: number, visit: (host: number) => void): void {
    for (let m = this.#memoryLevel(memory); m < MEMORY_LEVELS; m++) {
      let host = this.#first[level * MEMORY_LEVELS + m]!;
      for (let count = 0; host !== NONE && count < perBucket; count++) {
        const next = this.#next[host]!;
        visit(host);
        host = next;
      }
    }
  }

  #level(left: number): number {
    if (!(left < this.#mostLeft)) return LEVELS - 1;
    return Math.max(0, Math.floor((LEVELS * left) / this.#mostLeft));
  }

  #memoryLevel(memory: number): number {
    if (!(memory < this.#mostMemory)) return MEMORY_LEVELS - 1;
    return Math.max(0, Math.floor((MEMORY_LEVELS * memory) / this.#mostMemory));
  }
}
