/** The figures of a fault test: one line of JSON on standard output, collected by `run.ts`. */

export const FULL = process.env['FAULTS'] === 'full';

/** Reduced count in `make test`, full count in `make faults`. */
export function count(reduced: number, full: number): number {
  return FULL ? full : reduced;
}

export const MARK = '{"fault":';

export function report(row: number, what: string, figures: Record<string, unknown>): void {
  console.log(JSON.stringify({ fault: row, what, mode: FULL ? 'full' : 'reduced', ...figures }));
}

/** Of sorted values: p50, p99, max; rounded to a hundredth. */
export function percentiles(values: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round(100 * (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN)) / 100;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
