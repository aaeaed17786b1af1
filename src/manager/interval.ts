import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { DEFAULT_PLACEMENT } from '../api/app-weight-matrix.ts';
import { parseDuration } from '../api/common.ts';

/** Seconds; what is counted in less says nothing. */
const SHORTEST = 1;

/** Seconds between two cycles of a matrix. */
export function intervalOf({ placement = DEFAULT_PLACEMENT }: Pick<AppWeightMatrixSpec, 'placement'>): number {
  return Math.max(SHORTEST, (parseDuration(placement.interval) ?? 0) / 1000);
}
