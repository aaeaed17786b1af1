/**
 * Answers by how long they took: two buckets to an octave, so that a percentile is known within a fifth. Bucket 0 is for those
 * below a millisecond, bucket i for those below 2^(i/2) ms, the last one for all others.
 */
export const TIMES = 32;

/** As they are counted: from bucket 0 on, as far as there are any. They pass 2^32 and begin anew. */
export type AnswerTimes = readonly number[];

const NONE: AnswerTimes = [];
const WRAP = 2 ** 32;

export function timeBucket(milliseconds: number): number {
  // Half octaves are octaves of the square.
  return Math.min(TIMES - 1, 32 - Math.clz32(Math.min(milliseconds * milliseconds, 0x7fffffff)));
}

export function addTimes(a: AnswerTimes | undefined = NONE, b: AnswerTimes | undefined = NONE): AnswerTimes {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) => (a[at] ?? 0) + (b[at] ?? 0));
}

/** What was counted between two looks, at most an hour apart. */
export function timesSince(before: AnswerTimes | undefined = NONE, now: AnswerTimes | undefined = NONE): AnswerTimes {
  return now.map((each, at) => (((each - (before[at] ?? 0)) % WRAP) + WRAP) % WRAP);
}

/** Milliseconds that a part of them stays below, taken to be even on a logarithmic scale within a bucket; null: there are none. */
export function timeQuantile(times: AnswerTimes, part: number): number | null {
  let left = part * times.reduce((sum, each) => sum + each, 0);
  if (left === 0) return null;
  const last = times.findLastIndex((each) => each > 0);
  for (const [at, count] of times.entries()) {
    if (left <= count || at === last) return at === 0 ? left / count : 2 ** ((at - 1 + left / count) / 2);
    left -= count;
  }
  return null;
}

/** How many of them took longer than so many milliseconds, in the same way. */
export function timesAbove(times: AnswerTimes, milliseconds: number): number {
  let above = 0;
  for (const [at, count] of times.entries()) {
    // Where in the bucket it is: up to 0 below it, from 1 on above.
    const place = at === 0 ? milliseconds : 2 * Math.log2(milliseconds) - (at - 1);
    above += count * Math.min(1, Math.max(0, 1 - place));
  }
  return above;
}
