/**
 * Sums of ended epochs. A cell gets fresh counters with each epoch, so that the shares within one can be told exactly;
 * what the cell counted before is kept here. A retired slot is read live until its grace period is over (workers may
 * still write to it), then once more for good: nothing is lost, and nothing is counted twice.
 */
export class CellLedger {
  readonly #read: (slot: number) => CellSums;
  readonly #carried = new Map<string, Map<string, CellSums>>();
  readonly #retired = new Map<number, { readonly row: string; readonly cell: string }>();
  /** Retired slots by row. */
  readonly #byRow = new Map<string, Map<string, Set<number>>>();

  constructor(read: (slot: number) => CellSums) {
    this.#read = read;
  }

  retire(row: string, cell: string, slot: number): void {
    this.#retired.set(slot, { row, cell });
    let cells = this.#byRow.get(row);
    if (cells === undefined) this.#byRow.set(row, (cells = new Map()));
    const slots = cells.get(cell);
    if (slots === undefined) cells.set(cell, new Set([slot]));
    else slots.add(slot);
  }

  /** The grace period of a slot is over: its sums move into memory of our own, if the cell still exists. */
  settle(slot: number, exists: (row: string, cell: string) => boolean): void {
    const owner = this.#retired.get(slot);
    if (owner === undefined) return;
    this.#retired.delete(slot);
    const { row, cell } = owner;
    const cells = this.#byRow.get(row);
    const slots = cells?.get(cell);
    slots?.delete(slot);
    if (slots?.size === 0) cells?.delete(cell);
    if (cells?.size === 0) this.#byRow.delete(row);
    if (exists(row, cell)) {
      let carried = this.#carried.get(row);
      if (carried === undefined) this.#carried.set(row, (carried = new Map()));
      carried.set(cell, addSums(carried.get(cell) ?? NO_SUMS, this.#read(slot)));
    } else this.#forget(row, cell);
  }

  /** What the cell counted in all epochs that ended. */
  ended(row: string, cell: string): CellSums {
    let sums = this.#carried.get(row)?.get(cell) ?? NO_SUMS;
    for (const slot of this.#byRow.get(row)?.get(cell) ?? []) sums = addSums(sums, this.#read(slot));
    return sums;
  }

  #forget(row: string, cell: string): void {
    const carried = this.#carried.get(row);
    carried?.delete(cell);
    if (carried?.size === 0) this.#carried.delete(row);
  }
}

/** As CELL in ../shared.ts; sums over all workers. */
export interface CellSums {
  readonly first: number;
  readonly retries: number;
  readonly sticky: number;
  readonly failures: number;
}

export const NO_SUMS: CellSums = { first: 0, retries: 0, sticky: 0, failures: 0 };

export function addSums(a: CellSums, b: CellSums): CellSums {
  return {
    first: a.first + b.first,
    retries: a.retries + b.retries,
    sticky: a.sticky + b.sticky,
    failures: a.failures + b.failures,
  };
}
