/** What was done to a state since a moment, so that it can be taken back: trials are cheap, copies of the state are not. */
const LOAD = 0;
const START = 1;
const STOP = 2;

export class Journal {
  #open = false;
  /** Three numbers per entry. */
  readonly #entries: number[] = [];

  /** From here on everything is written down. */
  begin(): void {
    this.#open = true;
    this.#entries.length = 0;
  }

  /** What was done stays. */
  commit(): void {
    this.#open = false;
  }

  load(cell: number, old: number): void {
    if (this.#open) this.#entries.push(LOAD, cell, old);
  }

  start(instance: number): void {
    if (this.#open) this.#entries.push(START, instance, 0);
  }

  stop(host: number, workload: number): void {
    if (this.#open) this.#entries.push(STOP, host, workload);
  }

  /** Cells whose load was set since `begin`. */
  cells(): Set<number> {
    const found = new Set<number>();
    for (let at = 0; at < this.#entries.length; at += 3) {
      if (this.#entries[at] === LOAD) found.add(this.#entries[at + 1]!);
    }
    return found;
  }

  /**
   * Backwards through all that was done. A stop that is taken back finds its old number again, because numbers of removed
   * instances are used again last first: entries before it may name it.
   */
  undo(
    setLoad: (cell: number, old: number) => void,
    stop: (instance: number) => void,
    start: (host: number, workload: number) => void,
  ): void {
    this.#open = false;
    const entries = this.#entries;
    for (let at = entries.length - 3; at >= 0; at -= 3) {
      const a = entries[at + 1]!;
      const b = entries[at + 2]!;
      if (entries[at] === LOAD) setLoad(a, b);
      else if (entries[at] === START) stop(a);
      else start(a, b);
    }
    entries.length = 0;
  }
}
