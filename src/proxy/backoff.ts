/**
 * How long to wait before something that died is started again: at once the first time, then 100 ms, doubling up to 10 s.
 * `crashes` counts those before this one in a row.
 */
export function backoff(crashes: number): number {
  return crashes === 0 ? 0 : Math.min(10_000, 100 * 2 ** (crashes - 1));
}
