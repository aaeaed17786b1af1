/** The order in which the cells of a row are chosen by weighted round robin. */
import type { Schedule } from '../model/plan.ts';
import { fillQuotaTable } from './quota-table.ts';
import { buildSplitTree, cellInTree } from './split-tree.ts';

/** A longer period is walked as a tree: 128 KB for one row is enough. */
export const MAX_TABLE = 65_536;
export const MAX_WEIGHT = 65_535;

/**
 * The schedule over the cells of a row. For a period up to 65,536 (the sum of the weights, divided by their greatest
 * common divisor) |count - N * share| < 1 after every N choices for every cell, and no cell runs longer than
 * ceil(w / (W - w)); above that the deviation is below 2 and runs are not bounded. Both are exactly right over a period.
 *
 * @param weights one integer 0…65535 per cell; 0 = takes no new work: never in the schedule
 * @param allocate memory for the schedule, in bytes; for schedules that threads share
 * @throws RangeError for a weight that is none, more than 65,536 cells, or a sum above 2^26 - 1 after the division
 */
export function buildSchedule(
  weights: readonly number[],
  allocate: (bytes: number) => ArrayBufferLike = (bytes) => new ArrayBuffer(bytes),
): Schedule {
  if (weights.length > MAX_TABLE) throw new RangeError(`a row of ${weights.length} cells; at most ${MAX_TABLE}`);
  const cells: number[] = [];
  let divisor = 0;
  for (const [cell, weight] of weights.entries()) {
    if (!Number.isInteger(weight) || weight < 0 || weight > MAX_WEIGHT) {
      throw new RangeError(`weight ${weight} of cell ${cell}: expected an integer from 0 to ${MAX_WEIGHT}`);
    }
    if (weight > 0) cells.push(cell);
    divisor = greatestCommonDivisor(weight, divisor);
  }
  const reduced = cells.map((cell) => weights[cell]! / divisor);
  const period = reduced.reduce((a, b) => a + b, 0);
  if (period > MAX_TABLE) return { kind: 'Tree', period, nodes: buildSplitTree(reduced, cells, allocate) };
  const table = new Uint16Array(allocate(period * 2));
  if (cells.length === 1) table[0] = cells[0]!;
  else fillQuotaTable(table, reduced, cells);
  return { kind: 'Table', table };
}

/** The number of choices after which the schedule repeats; 0: nothing is available. */
export function periodOf(schedule: Schedule): number {
  return schedule.kind === 'Table' ? schedule.table.length : schedule.period;
}

/** The cell whose turn a position (0 … period - 1) is. */
export function cellAt(schedule: Schedule, position: number): number {
  return schedule.kind === 'Table' ? schedule.table[position]! : cellInTree(schedule.nodes, schedule.period, position);
}

export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
