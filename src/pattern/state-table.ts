const FIRST_CAPACITY = 8;
const UNKNOWN = -2;

/**
 * The states of one lazily built automaton in typed arrays: the transitions, the set of positions that a state stands
 * for, and the way back from set to state. A state is named by where its transitions begin (so that a step is one
 * addition and one load), negative if it is terminal; 0 is no state.
 */
export class StateTable {
  readonly words: number;
  readonly classes: number;
  next = new Int32Array(0);
  sets = new Uint32Array(0);
  start = 0;
  /** Changes whenever states are forgotten. */
  generation = 0;
  private outcomes = new Int32Array(0);
  private terminal = new Uint8Array(0);
  private table = new Int32Array(0);
  private count = 0;
  private capacity = 0;

  constructor(words: number, classes: number) {
    this.words = words;
    this.classes = classes;
  }

  get full(): boolean {
    return this.count >= this.capacity;
  }

  get bytes(): number {
    return this.size(this.capacity);
  }

  bytesToGrow(): number {
    return this.size(this.capacity === 0 ? FIRST_CAPACITY : this.capacity * 2) - this.size(this.capacity);
  }

  setOf(state: number): number {
    return (state / this.classes) * this.words;
  }

  outcomeOf(state: number): number | undefined {
    const known = this.outcomes[state / this.classes]!;
    return known === UNKNOWN ? undefined : known;
  }

  setOutcome(state: number, outcome: number): void {
    this.outcomes[state / this.classes] = outcome;
  }

  /** The state of a set, or 0. */
  find(set: Uint32Array): number {
    if (this.count === 0) return 0;
    const mask = this.table.length - 1;
    for (let slot = hash(set) & mask; ; slot = (slot + 1) & mask) {
      const id = this.table[slot]!;
      if (id === 0) return 0;
      if (this.equals(id, set)) return this.name(id);
    }
  }

  /** Enters a set that is not there yet; there must be room. */
  add(set: Uint32Array, terminal: boolean): number {
    const id = ++this.count;
    this.sets.set(set, id * this.words);
    this.outcomes[id] = UNKNOWN;
    this.terminal[id] = terminal ? 1 : 0;
    this.next.fill(0, id * this.classes, (id + 1) * this.classes);
    this.enter(id, set, 0);
    return this.name(id);
  }

  grow(): void {
    this.capacity = this.capacity === 0 ? FIRST_CAPACITY : this.capacity * 2;
    // Number 0 is no state, hence one more.
    const rows = this.capacity + 1;
    const { next, sets, outcomes, terminal } = this;
    this.next = new Int32Array(rows * this.classes);
    this.next.set(next);
    this.sets = new Uint32Array(rows * this.words);
    this.sets.set(sets);
    this.outcomes = new Int32Array(rows);
    this.outcomes.set(outcomes);
    this.terminal = new Uint8Array(rows);
    this.terminal.set(terminal);
    this.table = new Int32Array(this.capacity * 2);
    for (let id = 1; id <= this.count; id++) this.enter(id, this.sets, id * this.words);
  }

  /** Forgets all states and keeps the memory. */
  clear(): void {
    this.generation++;
    this.count = 0;
    this.start = 0;
    this.table.fill(0);
  }

  /** Forgets all states and the memory. */
  drop(): void {
    this.clear();
    this.capacity = 0;
    this.next = new Int32Array(0);
    this.sets = new Uint32Array(0);
    this.outcomes = new Int32Array(0);
    this.terminal = new Uint8Array(0);
    this.table = new Int32Array(0);
  }

  private size(capacity: number): number {
    return capacity === 0 ? 0 : (capacity + 1) * (4 * this.classes + 4 * this.words + 5) + 8 * capacity;
  }

  private name(id: number): number {
    return this.terminal[id] === 1 ? -id * this.classes : id * this.classes;
  }

  private enter(id: number, sets: Uint32Array, offset: number): void {
    const mask = this.table.length - 1;
    let slot = (offset === 0 ? hash(sets) : hash(sets.subarray(offset, offset + this.words))) & mask;
    while (this.table[slot] !== 0) slot = (slot + 1) & mask;
    this.table[slot] = id;
  }

  private equals(id: number, set: Uint32Array): boolean {
    const offset = id * this.words;
    for (let word = 0; word < this.words; word++) if (this.sets[offset + word] !== set[word]) return false;
    return true;
  }
}

function hash(set: Uint32Array): number {
  let value = 0;
  for (let word = 0; word < set.length; word++) {
    value = Math.imul(value ^ set[word]!, 0x9e3779b1);
    value ^= value >>> 15;
  }
  return value;
}
