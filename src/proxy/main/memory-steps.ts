/** From the share of memory that is in use to what is done about it (MEMORY_STEP in shared.ts). */

/**
 * Shares from which on each step is taken. Lower than Envoy's (95 % and 98 %): between two looks, and until what is freed is
 * collected, a heap grows by megabytes, and small limits are what memory runs out of.
 */
const FROM = [0.75, 0.8, 0.85];
/** So much less than that ends it, so that it does not come and go. */
const LESS = 0.03;

/** @param step the present one @param share in use, of the limit @returns the step from now on */
export function nextStep(step: number, share: number): number {
  let next = FROM.filter((from) => share >= from).length;
  while (next < step && share >= FROM[next]! - LESS) next++;
  return next;
}
