/** Instances in flat arrays, chained by host and by workload; numbers of removed ones are used again, last first. */
const NONE = -1;

export class Pool {
  readonly firstOnHost: Int32Array;
  readonly firstOfWorkload: Int32Array;
  readonly #resources: number;
  readonly #classes: number;
  host: Int32Array;
  workload: Int32Array;
  copies: Int32Array;
  nextOnHost: Int32Array;
  nextOfWorkload: Int32Array;
  load: Float64Array;
  factor: Float64Array;
  #previousOnHost: Int32Array;
  #previousOfWorkload: Int32Array;
  /** Numbers that were in use and are free, chained by `nextOnHost`. */
  #free = NONE;
  #size = 0;

  constructor(hosts: number, workloads: number, resources: number, classes: number) {
    const capacity = hosts + workloads + 16;
    this.#resources = resources;
    this.#classes = classes;
    this.firstOnHost = new Int32Array(hosts).fill(NONE);
    this.firstOfWorkload = new Int32Array(workloads).fill(NONE);
    this.host = new Int32Array(capacity);
    this.workload = new Int32Array(capacity);
    this.copies = new Int32Array(capacity);
    this.nextOnHost = new Int32Array(capacity);
    this.nextOfWorkload = new Int32Array(capacity);
    this.#previousOnHost = new Int32Array(capacity);
    this.#previousOfWorkload = new Int32Array(capacity);
    this.load = new Float64Array(capacity * classes);
    this.factor = new Float64Array(capacity * resources);
  }

  /** Numbers are below it. */
  get size(): number {
    return this.#size;
  }

  find(host: number, workload: number): number {
    const { nextOnHost, workload: workloads } = this;
    let i = this.firstOnHost[host]!;
    while (i !== NONE && workloads[i] !== workload) i = nextOnHost[i]!;
    return i;
  }

  /** Without copies and without load. */
  insert(host: number, workload: number): number {
    let i = this.#free;
    if (i === NONE) {
      if (this.#size === this.host.length) this.#grow();
      i = this.#size++;
    } else this.#free = this.nextOnHost[i]!;
    this.host[i] = host;
    this.workload[i] = workload;
    this.copies[i] = 0;
    this.load.fill(0, i * this.#classes, (i + 1) * this.#classes);
    push(this.firstOnHost, this.nextOnHost, this.#previousOnHost, host, i);
    push(this.firstOfWorkload, this.nextOfWorkload, this.#previousOfWorkload, workload, i);
    return i;
  }

  remove(i: number): void {
    cut(this.firstOnHost, this.nextOnHost, this.#previousOnHost, this.host[i]!, i);
    cut(this.firstOfWorkload, this.nextOfWorkload, this.#previousOfWorkload, this.workload[i]!, i);
    this.nextOnHost[i] = this.#free;
    this.#free = i;
  }

  #grow(): void {
    const capacity = this.host.length * 2;
    const integers = (old: Int32Array): Int32Array => {
      const grown = new Int32Array(capacity);
      grown.set(old);
      return grown;
    };
    const floats = (old: Float64Array, width: number): Float64Array => {
      const grown = new Float64Array(capacity * width);
      grown.set(old);
      return grown;
    };
    this.host = integers(this.host);
    this.workload = integers(this.workload);
    this.copies = integers(this.copies);
    this.nextOnHost = integers(this.nextOnHost);
    this.nextOfWorkload = integers(this.nextOfWorkload);
    this.#previousOnHost = integers(this.#previousOnHost);
    this.#previousOfWorkload = integers(this.#previousOfWorkload);
    this.load = floats(this.load, this.#classes);
    this.factor = floats(this.factor, this.#resources);
  }
}

function push(first: Int32Array, next: Int32Array, previous: Int32Array, list: number, i: number): void {
  const head = first[list]!;
  next[i] = head;
  previous[i] = NONE;
  if (head !== NONE) previous[head] = i;
  first[list] = i;
}

function cut(first: Int32Array, next: Int32Array, previous: Int32Array, list: number, i: number): void {
  const before = previous[i]!;
  const after = next[i]!;
  if (before === NONE) first[list] = after;
  else next[before] = after;
  if (after !== NONE) previous[after] = before;
}
