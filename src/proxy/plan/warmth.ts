/** Slow start: what becomes of a row's weights while some of its endpoints are not warm yet. */
import { WARM } from '../../model/plan.ts';
import { greatestCommonDivisor, MAX_WEIGHT } from '../../scheduler/schedule.ts';
import { MAX_PERIOD } from '../../scheduler/split-tree.ts';

export interface WarmingCell {
  readonly weight: number;
  readonly available: boolean;
  scaled: number;
}

export interface WarmingEndpoint {
  readonly cell: number;
  readonly available: boolean;
  warmth: number;
}

/**
 * Sets what the cells' weights are in this epoch: a cell whose endpoints are half warm has half of its weight. Only their
 * proportion counts; it is kept exactly as long as the integers allow, else to within one in 65,535, and one more for each
 * cell that would have less than that and gets it.
 * Where nothing that could be chosen is warm, nobody starts slowly: there is no other to take what they do not.
 */
export function scaleWeights(cells: readonly WarmingCell[], endpoints: readonly WarmingEndpoint[]): void {
  const warmths = cells.map(() => 0);
  const counts = cells.map(() => 0);
  let isAnyWarm = false;
  let isAnyCold = false;
  for (const { cell, available, warmth } of endpoints) {
    if (!available || cells[cell]!.weight === 0) continue;
    warmths[cell]! += warmth;
    counts[cell]!++;
    if (warmth === WARM) isAnyWarm = true;
    else isAnyCold = true;
  }
  if (!isAnyCold || !isAnyWarm) {
    for (const cell of cells) cell.scaled = cell.weight;
    for (const endpoint of endpoints) endpoint.warmth = WARM;
    return;
  }
  const shares = cells.map(({ weight }, index) =>
    counts[index] === 0 ? 0 : weight * (warmths[index]! / counts[index]!),
  );
  const exact = exactly(cells, warmths, counts) ?? roughly(shares);
  for (const [index, cell] of cells.entries()) cell.scaled = counts[index] === 0 ? cell.weight : exact[index]!;
}

/** Null: the integers would be too large. */
function exactly(
  cells: readonly WarmingCell[],
  warmths: readonly number[],
  counts: readonly number[],
): number[] | null {
  let multiple = 1;
  for (const count of counts) {
    if (count > 0) multiple = (multiple / greatestCommonDivisor(multiple, count)) * count;
    if (multiple > MAX_PERIOD) return null;
  }
  const scaled = cells.map(({ weight }, index) =>
    counts[index] === 0 ? 0 : weight * warmths[index]! * (multiple / counts[index]!),
  );
  const common = scaled.reduce(greatestCommonDivisor, 0);
  const reduced = scaled.map((weight) => weight / common);
  return reduced.some((weight) => weight > MAX_WEIGHT) || sum(reduced) > MAX_PERIOD ? null : reduced;
}

/** By largest remainder: rounded each for itself, many small cells would move the share of a large one by more than a unit. */
function roughly(shares: readonly number[]): number[] {
  const most = Math.min(MAX_WEIGHT, Math.floor(MAX_PERIOD / shares.length) - 1);
  const factor = most / Math.max(...shares);
  const parts = shares.map((share) => share * factor);
  // no share that is more than nothing becomes nothing
  const whole = parts.map((part) => (part === 0 ? 0 : Math.max(1, Math.floor(part))));
  const left = Math.max(0, Math.round(sum(parts)) - sum(whole));
  const byRemainder = [...parts.keys()]
    .filter((index) => parts[index]! >= 1)
    .toSorted((a, b) => (parts[b]! % 1) - (parts[a]! % 1));
  for (const index of byRemainder.slice(0, left)) whole[index]!++;
  return whole;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
