import { type Family, histogramSamples, type Sample } from './exposition.ts';

/** A small histogram of seconds, for what happens rarely (the data path counts in shared memory). */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** `bounds` in ascending order, in seconds. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(seconds: number): void {
    this.#count++;
    this.#sum += seconds;
    for (const [i, bound] of this.#bounds.entries()) if (seconds <= bound) this.#counts[i] = (this.#counts[i] ?? 0) + 1;
  }

  family(name: string, help: string): Family {
    return { name, help, type: 'histogram', samples: this.samples({}) };
  }

  samples(labels: Readonly<Record<string, string>>): Sample[] {
    return histogramSamples(labels, this.#bounds, this.#counts, this.#count, this.#sum);
  }
}

/** From a change that touches one cell (about a millisecond) to a worker that has to be replaced (seconds). */
export const APPLY_BOUNDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
