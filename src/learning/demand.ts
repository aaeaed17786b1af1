/**
 * Arrivals per second: an exponentially weighted mean of a minute. Its spread is that of the means over decision intervals,
 * since that is what whoever plans for an interval will meet; from one second to the next arrivals vary far more.
 */
import type { Estimate } from './figure.ts';

/** Seconds. */
const MEMORY = 60;
/** Share of a new interval in the spread. */
const INTERVAL_SHARE = 0.1;

export interface Demand {
  /** Weighted sum of rates, and the sum of the weights: it is not biased towards 0 while it begins. */
  rate: number;
  weight: number;
  /** The interval that runs. */
  arrivals: number;
  seconds: number;
  /** Of the intervals that are over. */
  intervals: number;
  mean: number;
  variance: number;
  /** All arrivals. */
  count: number;
  at: number;
}

export function newDemand(): Demand {
  return { rate: 0, weight: 0, arrivals: 0, seconds: 0, intervals: 0, mean: 0, variance: 0, count: 0, at: 0 };
}

/**
 * @param seconds length of the window, above 0
 * @param now milliseconds since 1970
 * @param interval seconds between two decisions
 */
export function addArrivals(demand: Demand, arrivals: number, seconds: number, now: number, interval: number): void {
  const kept = Math.exp(-seconds / MEMORY);
  demand.rate = demand.rate * kept + (1 - kept) * (arrivals / seconds);
  demand.weight = demand.weight * kept + (1 - kept);
  demand.count += arrivals;
  if (arrivals > 0) demand.at = now;
  demand.arrivals += arrivals;
  demand.seconds += seconds;
  if (demand.seconds < interval) return;
  const rate = demand.arrivals / demand.seconds;
  const share = Math.max(INTERVAL_SHARE, 1 / (demand.intervals + 1));
  const off = rate - demand.mean;
  demand.mean += share * off;
  demand.variance = (1 - share) * (demand.variance + share * off * off);
  demand.intervals++;
  demand.arrivals = demand.seconds = 0;
}

/** Null: nothing was ever asked for. */
export function demandOf(demand: Demand, interval: number): Estimate | null {
  if (demand.count === 0) return null;
  const value = demand.rate / demand.weight;
  // As long as too few intervals are over to tell, what chance alone would do.
  const variance = demand.intervals < 3 ? value / interval : demand.variance;
  return { value, count: demand.count, variance, at: demand.at };
}
