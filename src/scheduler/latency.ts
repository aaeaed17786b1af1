/**
 * The latency of endpoints, as a moving average that follows peaks at once and forgets them slowly (peak EWMA, as
 * Finagle's and Linkerd's balancers of that name have it). The state is shared by all workers and written without locks:
 * of two samples at the same moment one may be lost, which an average bears.
 */
import type { DispatchState } from '../model/plan.ts';

/** Milliseconds after which a sample counts for 1/e: Finagle's default. */
export const LATENCY_DECAY = 10_000;

/**
 * Takes a sample: a higher one is believed at once, a lower one in proportion to the time since the last sample.
 * @param micros from the request's first byte sent to the answer's head, in microseconds
 * @param nowMs the clock that the choosers have, in milliseconds
 */
export function observeLatency(state: DispatchState, slot: number, micros: number, nowMs: number): void {
  // 0 stands for "no sample yet".
  const sample = Math.max(micros, 1);
  const average = state.latency[slot]!;
  if (average === 0 || sample >= average) {
    state.latency[slot] = sample;
  } else {
    const kept = Math.exp(-Math.max(0, nowMs - state.latencyAt[slot]!) / LATENCY_DECAY);
    state.latency[slot] = sample + (average - sample) * kept;
  }
  state.latencyAt[slot] = nowMs;
}

/** How much of an endpoint's average still holds, in 0…1. */
export function freshness(state: DispatchState, slot: number, nowMs: number): number {
  const age = nowMs - state.latencyAt[slot]!;
  return age <= 0 ? 1 : Math.exp(-age / LATENCY_DECAY);
}
