import { addTimes, type AnswerTimes } from '../../model/answer-times.ts';
import type { RowPlan } from '../../model/plan.ts';

/**
 * Sums of ended epochs. A cell gets fresh counters with each epoch, so that the shares within one can be told exactly;
 * what the cell counted before is kept here. The counters of an ended epoch are read live until its grace period is over
 * (workers may still write to them), then once more for good: nothing is lost, and nothing is counted twice.
 */
export class CellLedger {
  readonly #read: (slot: number) => CellSums;
  readonly #carried = new Map<string, Map<string, CellSums>>();
  /** Epochs that ended, but still rest, by row. */
  readonly #ended = new Map<string, Set<Epoch>>();

  constructor(read: (slot: number) => CellSums) {
    this.#read = read;
  }

  retire(epoch: Epoch): void {
    const { id } = epoch.plan;
    const epochs = this.#ended.get(id);
    if (epochs === undefined) this.#ended.set(id, new Set([epoch]));
    else epochs.add(epoch);
  }

  /**
   * The grace period of an epoch is over: its sums move into memory of our own.
   *
   * @param current the row as it is now: what cells that are gone have counted is forgotten; undefined: the row is gone
   */
  settle(epoch: Epoch, current: Epoch | undefined): void {
    const { id, counters } = epoch.plan;
    const epochs = this.#ended.get(id);
    epochs?.delete(epoch);
    if (epochs?.size === 0) this.#ended.delete(id);
    if (current === undefined) {
      this.#carried.delete(id);
      return;
    }
    const before = this.#carried.get(id);
    const after = new Map<string, CellSums>();
    for (const [at, name] of current.names.entries()) {
      const known = before?.get(name);
      const index = epoch.names[at] === name ? at : epoch.names.indexOf(name);
      const sums = index < 0 ? NO_SUMS : this.#read(counters[index]!);
      // Most cells of most apps are idle: what was never counted is not kept.
      if (isNothing(sums)) {
        if (known !== undefined) after.set(name, known);
      } else after.set(name, known === undefined ? sums : addSums(known, sums));
    }
    if (after.size > 0) this.#carried.set(id, after);
    else this.#carried.delete(id);
  }

  /** Epochs of the row that are over, but may still be written to. */
  ending(id: string): ReadonlySet<Epoch> {
    return this.#ended.get(id) ?? NONE;
  }

  /** What the cells counted in all epochs before this one. */
  before(current: Epoch): CellSums[] {
    const { id } = current.plan;
    const carried = this.#carried.get(id);
    const sums = current.names.map((name) => carried?.get(name) ?? NO_SUMS);
    for (const epoch of this.#ended.get(id) ?? []) {
      for (const [index, name] of current.names.entries()) {
        const then = epoch.names.indexOf(name);
        if (then >= 0) sums[index] = addSums(sums[index]!, this.#read(epoch.plan.counters[then]!));
      }
    }
    return sums;
  }
}

/** A row in one of its epochs. */
export interface Epoch {
  readonly plan: Pick<RowPlan, 'id' | 'counters'>;
  /** Names of the cells within the row, in its order: the real server, and a number where it stands there twice. */
  readonly names: readonly string[];
}

/** As CELL in ../shared.ts; sums over all workers. */
export interface CellSums {
  readonly first: number;
  readonly retries: number;
  readonly sticky: number;
  readonly failures: number;
  readonly answered: number;
  readonly seconds: number;
  readonly timeouts: number;
  readonly shed: number;
  readonly times: AnswerTimes;
}

const NONE: ReadonlySet<Epoch> = new Set();
export const NO_SUMS: CellSums = {
  first: 0,
  retries: 0,
  sticky: 0,
  failures: 0,
  answered: 0,
  seconds: 0,
  timeouts: 0,
  shed: 0,
  times: [],
};

/** Whatever was answered or timed out was chosen before. */
function isNothing({ first, retries, sticky, failures, shed }: CellSums): boolean {
  return first === 0 && retries === 0 && sticky === 0 && failures === 0 && shed === 0;
}

export function addSums(a: CellSums, b: CellSums): CellSums {
  return {
    first: a.first + b.first,
    retries: a.retries + b.retries,
    sticky: a.sticky + b.sticky,
    failures: a.failures + b.failures,
    answered: a.answered + b.answered,
    seconds: a.seconds + b.seconds,
    timeouts: a.timeouts + b.timeouts,
    shed: a.shed + b.shed,
    times: addTimes(a.times, b.times),
  };
}
