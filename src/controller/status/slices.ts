/** Milliseconds of work after which the event loop has its turn: snapshots are to be published. */
const SLICE = 5;

/** Long work in slices. Who does it asks `isOver` now and then, and waits for `next` where it is. */
export class Slices {
  #end = performance.now() + SLICE;

  get isOver(): boolean {
    return performance.now() > this.#end;
  }

  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#end = performance.now() + SLICE;
  }

  /** Resolves with the result of all steps. */
  async all<Result>(steps: Generator<void, Result>): Promise<Result> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      // oxlint-disable-next-line no-await-in-loop
      if (this.isOver) await this.next();
    }
  }
}
