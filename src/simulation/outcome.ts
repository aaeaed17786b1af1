/** What clients got and what hosts did, counted while it happens. */

/** Buckets of an eighth of a power of two would be too coarse for a p99: 32 to the power of two, 2.2 % wide. */
const PER_OCTAVE = 32;
/** Seconds of the lowest bucket. */
const LEAST = 1e-4;
const BUCKETS = 32 * 24;

/** Of the requests that came after the warm-up. */
export interface ColumnOutcome {
  readonly offered: number;
  /** Those that were answered before their client left. */
  readonly replied: number;
  /** Seconds from arrival to answer, of those; NaN where there was none. */
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

/** Of all columns. */
export interface Outcome extends ColumnOutcome {
  readonly columns: readonly ColumnOutcome[];
  /** Whose client left while they waited or were worked on. */
  readonly timedOut: number;
  /** For which there was nowhere to go, and no queue. */
  readonly refused: number;
  /** Taken from a queue since their client would have left before an answer. */
  readonly shed: number;
  /** Until the last request came: [h * R + r], what was given out of a resource as a part of capacity x time; and requests on a host. */
  readonly utilization: Float64Array;
  readonly present: Float64Array;
  /** Until the last request was settled: what was given out of every resource, and request-seconds on every host. */
  readonly given: Float64Array;
  readonly held: Float64Array;
  /** Seconds that were simulated. */
  readonly seconds: number;
}

export class Latencies {
  count = 0;
  sum = 0;
  readonly #buckets = new Uint32Array(BUCKETS);

  add(seconds: number): void {
    this.count++;
    this.sum += seconds;
    const bucket = Math.floor(PER_OCTAVE * Math.log2(Math.max(seconds, LEAST) / LEAST));
    this.#buckets[Math.min(bucket, BUCKETS - 1)]!++;
  }

  addAll(other: Latencies): void {
    this.count += other.count;
    this.sum += other.sum;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#buckets[bucket]! += other.#buckets[bucket]!;
  }

  get mean(): number {
    return this.sum / this.count;
  }

  /** Below which a part of them lies, within 2.2 %. */
  quantile(part: number): number {
    if (this.count === 0) return Number.NaN;
    let left = part * this.count;
    let bucket = 0;
    for (; bucket < BUCKETS - 1; bucket++) {
      left -= this.#buckets[bucket]!;
      if (left <= 0) break;
    }
    return LEAST * 2 ** ((bucket + 0.5) / PER_OCTAVE);
  }
}
