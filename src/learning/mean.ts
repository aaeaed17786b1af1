/** A mean that forgets: it is as good as one of the last ten thousand, and its variance that of the windows' means. */
import type { Estimate } from './figure.ts';

const MEMORY = 10_000;
/** Windows that the variance remembers. */
const WINDOWS = 600;

export interface Mean {
  weight: number;
  mean: number;
  /** Weighted sum of squared differences of the windows from the mean. */
  squares: number;
  windows: number;
  count: number;
  at: number;
}

export function newMean(): Mean {
  return { weight: 0, mean: 0, squares: 0, windows: 0, count: 0, at: 0 };
}

/** A window in which `count` had this mean; nothing where there was none. */
export function addToMean(state: Mean, mean: number, count: number, now: number): void {
  if (count <= 0) return;
  const before = state.weight;
  state.weight += count;
  const off = mean - state.mean;
  state.mean += (off * count) / state.weight;
  state.squares += (off * off * before * count) / state.weight;
  state.windows = Math.min(WINDOWS, state.windows + 1);
  state.count += count;
  state.at = now;
  if (state.weight <= MEMORY) return;
  state.squares *= MEMORY / state.weight;
  state.weight = MEMORY;
}

/** Null: there is nothing yet. Of a single window the mean itself is taken for the error. */
export function meanOf({ weight, mean, squares, windows, count, at }: Mean): Estimate | null {
  if (weight === 0) return null;
  const variance = windows < 2 ? mean * mean : squares / weight / (windows - 1);
  return { value: mean, count, variance, at };
}
