/** Weighted round robin: exact over all workers together, the one kind for which shares are claimed. */
import type { Chooser } from './chooser.ts';
import type { DispatchRow } from './dispatch-row.ts';

export class RoundRobin implements Chooser {
  readonly #row: DispatchRow;

  constructor(row: DispatchRow) {
    this.#row = row;
  }

  choose(): number {
    return this.#row.nextAvailable();
  }

  chooseAgain(tried: readonly number[]): number {
    return this.#row.retry(tried);
  }
}
