/** When a thread collects what nobody holds, while memory is short: V8 by itself would only when it makes more. */
import { giveBackBriefly } from '../memory/give-back.ts';

/** Milliseconds between two collections: at least, where a step has been taken since, and otherwise. */
const SOONEST = 250;
const LATEST = 2000;

export class Collection {
  readonly #collect: () => void;
  #step = 0;
  #at = -Infinity;

  constructor(collect = giveBackBriefly) {
    this.#collect = collect;
  }

  /** @param step one of MEMORY_STEP, to be told several times a second @param now milliseconds */
  look(step: number, now: number): void {
    if (step < this.#step) this.#step = step;
    if (step === 0 || now - this.#at < (step > this.#step ? SOONEST : LATEST)) return;
    this.#step = step;
    this.#at = now;
    this.#collect();
  }
}
