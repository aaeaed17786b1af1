/** Long work in slices: between two of them the event loop has its turn, for what must not wait. */
export class Slices {
  readonly #length: number;
  #end: number;

  /** `length`: milliseconds of work in one go. */
  constructor(length: number) {
    this.#length = length;
    this.#end = performance.now() + length;
  }

  /** It is time to wait for `next`. */
  get isOver(): boolean {
    return performance.now() > this.#end;
  }

  async next(): Promise<void> {
    await turn();
    this.#end = performance.now() + this.#length;
  }

  /** Resolves with the result of all steps. */
  async all<Result>(steps: Generator<void, Result>): Promise<Result> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver) await this.next();
    }
  }
}

/** Runs all steps at once. */
export function finish<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
