/**
 * Latencies in buckets that grow with the value, as HdrHistogram has them: 64 buckets per power of two, so that any
 * percentile is right to 1.6 %, in a fixed 16 KB whatever is recorded.
 */
const SUB_BITS = 6;
const SUB = 1 << SUB_BITS;
const POWERS = 32;

export class Histogram {
  readonly #counts = new Float64Array(SUB * POWERS);
  count = 0;
  max = 0;

  /** Microseconds, not negative; beyond 2^32 they count as that. */
  record(value: number): void {
    this.count++;
    if (value > this.max) this.max = value;
    const index = bucketOf(Math.min(value, 2 ** 32));
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /** The value that `share` (0 … 1) of all recorded ones do not exceed; 0 where there are none. */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let index = 0; index < this.#counts.length; index++) {
      seen += this.#counts[index] ?? 0;
      if (seen >= wanted) return Math.min(this.max, upperEdge(index));
    }
    return 0;
  }
}

/** Values below 64 have a bucket each; above, the leading seven bits choose. */
function bucketOf(value: number): number {
  const whole = Math.floor(value);
  if (whole < SUB) return whole;
  const power = 31 - Math.clz32(whole) - SUB_BITS;
  return Math.min(SUB * POWERS - 1, (power + 1) * SUB + Math.floor(whole / 2 ** power) - SUB);
}

function upperEdge(index: number): number {
  if (index < SUB) return index + 1;
  const power = Math.floor(index / SUB) - 1;
  return ((index % SUB) + SUB + 1) * 2 ** power;
}
