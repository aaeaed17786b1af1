/** For stress tests: a whole number below `below`, above or equal to 0. */
export type Random = (below: number) => number;

/** The same numbers for the same seed, which is not 0 (xorshift32). */
export function random(seed: number): Random {
  let x = seed;
  return (below) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
}
