/**
 * Levels of concurrency, as workers tell them apart: one for each number of requests in flight up to 15, then eight to an
 * octave, so that none is wider than an eighth of what it stands for. The last one is for all numbers from 4,096 on.
 */
export const LEVELS = 80;

const EXACT = 15;

/** Index of the level of `inflight` requests, of which there is at least one. */
export function levelOf(inflight: number): number {
  if (inflight <= EXACT) return inflight - 1;
  const octave = 31 - Math.clz32(inflight);
  return Math.min(LEVELS - 1, EXACT + (octave - 4) * 8 + ((inflight >> (octave - 3)) & 7));
}

/** The number of requests in flight that a level stands for: the middle of those that it is for. */
export function inflightAt(level: number): number {
  if (level < EXACT) return level + 1;
  const step = (level - EXACT) >> 3;
  const width = 2 << step;
  const lowest = (8 + ((level - EXACT) & 7)) * width;
  return lowest + (width - 1) / 2;
}

/** How many numbers a level stands for, less one: from the lowest to the highest of them. */
export function widthOf(level: number): number {
  return level < EXACT ? 0 : (2 << ((level - EXACT) >> 3)) - 1;
}

/** What was counted at the levels of one endpoint, or of several together: each of LEVELS numbers, since the start. */
export interface LevelSums {
  /** Seconds for which so many were in flight. */
  readonly seconds: Float64Array;
  /** Requests that were answered while so many were. */
  readonly answers: Float64Array;
}

export interface CellLevels {
  /** As RowPlan.id. */
  readonly row: string;
  readonly server: string;
  /** Summed over its endpoints, each of which has a level of its own. Those of an endpoint of several cells are each one's. */
  readonly levels: LevelSums;
}

export function noLevels(): LevelSums {
  return { seconds: new Float64Array(LEVELS), answers: new Float64Array(LEVELS) };
}
