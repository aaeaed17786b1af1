/** Long work in slices: between two of them the event loop has its turn, for connections are to be accepted. */

/** Resolves when all steps are done; `slice`: milliseconds of them in one go. */
export async function inSlices<Result>(steps: Generator<void, Result>, slice: number): Promise<Result> {
  for (;;) {
    const end = performance.now() + slice;
    while (performance.now() < end) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    await turn();
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
