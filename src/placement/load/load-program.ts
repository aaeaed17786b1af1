/**
 * Step G for several resources or conflicts: with the instances fixed, the loads by linear programs (placement.md 2,
 * objectives 1 and 2). First the largest s with every column served at least s of its demand; then
 * max sum v * served - eps1 * sum phi(u) - eps2 * sum |L - L_old|.
 */
import { LinearProgram, type Optimizer } from '../program/linear-program.ts';
import type { State } from '../state/state.ts';
import type { Cells } from './cells.ts';
import { CROWDING } from './crowding.ts';

export interface LoadOptions {
  readonly optimizer: Optimizer;
  readonly timeLimit: () => number;
  /** o * m per instance and resource, as the pool has it; others for theta below 1. */
  readonly factor: Float64Array;
  /** Whether the least part that a column is served comes before the sum. */
  readonly fair: boolean;
}

/** Loads per cell, or null where the optimizer had no answer. */
export function optimalLoads(state: State, cells: Cells, options: LoadOptions): Float64Array | null {
  const { model } = state;
  const served = model.rate.map((rate, j) => (state.served[j]! >= rate * (1 - 1e-9) ? 1 : 0));
  const all = served.every((each, j) => each === 1 || model.rate[j] === 0);
  let floor = 1;
  if (!all) {
    floor = options.fair ? fairest(state, cells, options) : 0;
    if (floor < 0) return null;
  }
  const { program, offset } = balanced(state, cells, options.factor, floor * (1 - 1e-7), all);
  const solution = options.optimizer(program, { timeLimit: options.timeLimit() });
  if (solution === null) return null;
  const loads = Float64Array.from(cells.column, (_, at) => {
    const [plus, minus, old] = offset[at]!;
    return Math.max(0, old + solution.values[plus]! - (minus < 0 ? 0 : solution.values[minus]!));
  });
  cutToDemand(state, cells, loads);
  return loads;
}

/** A program holds its bounds to some 1e-7, which is more than all of a column that is hardly asked for. */
function cutToDemand({ model: { columnCount, rate } }: State, cells: Cells, loads: Float64Array): void {
  const served = new Float64Array(columnCount);
  for (const [at, load] of loads.entries()) served[cells.column[at]!]! += load;
  for (const [at, j] of cells.column.entries()) if (served[j]! > rate[j]!) loads[at]! *= rate[j]! / served[j]!;
}

/** Objective 1: the largest s over the columns that have an instance; below 0: no answer. */
function fairest(state: State, cells: Cells, { optimizer, timeLimit, factor }: LoadOptions): number {
  const program = new LinearProgram();
  const rows = capacityRows(state, program);
  const demand = demandRows(state, cells, program, () => [0, Number.POSITIVE_INFINITY]);
  const { model } = state;
  for (let at = 0; at < cells.column.length; at++) {
    const j = cells.column[at]!;
    const entries = useEntries(state, cells.instance[at]!, j, rows, factor);
    program.addColumn(0, 0, model.rate[j]!, [...entries, demand[j]!, 1]);
  }
  const shares: number[] = [];
  for (const [j, row] of demand.entries()) if (row >= 0) shares.push(row, -model.rate[j]!);
  program.addColumn(1, 0, 1, shares);
  return optimizer(program, { timeLimit: timeLimit() })?.values.at(-1) ?? -1;
}

function balanced(
  state: State,
  cells: Cells,
  factor: Float64Array,
  floor: number,
  all: boolean,
): { program: LinearProgram; offset: (readonly [plus: number, minus: number, old: number])[] } {
  const { model } = state;
  const program = new LinearProgram();
  const rows = capacityRows(state, program, 0);
  const demand = demandRows(state, cells, program, (rate) => [floor * rate, rate]);
  // Small beside what any request is worth, so that nothing is given up for balance; alone where all is served anyway.
  const eps1 = all ? 1 : 1e-4 * leastWorth(state);
  const eps2 = 0.02 * eps1;
  segmentColumns(state, program, rows, eps1);
  const old = oldLoads(state, cells);
  const offset = Array.from(cells.column, (j, at) => {
    const i = cells.instance[at]!;
    const value = all ? 0 : model.value[j]!;
    const entries = [...useEntries(state, i, j, rows, factor), demand[j]!, 1];
    const price = old === null ? 0 : eps2 * model.share[j]!;
    const before = old?.[at] ?? 0;
    const plus = program.addColumn(value - price, 0, model.rate[j]!, entries);
    if (before === 0) return [plus, -1, 0] as const;
    const minus = program.addColumn(-value - price, 0, before, negated(entries));
    for (let e = 0; e < entries.length; e += 2) shift(program, entries[e]!, entries[e + 1]! * before);
    return [plus, minus, before] as const;
  });
  return { program, offset };
}

/** Row per host and resource: use <= what is left beside idle instances, or use - segments <= -idle. */
function capacityRows(state: State, program: LinearProgram, upper?: number): Int32Array {
  const { model, pool } = state;
  const R = model.resourceCount;
  const rows = new Int32Array(model.hostCount * R).fill(-1);
  for (let host = 0; host < model.hostCount; host++) {
    if (pool.firstOnHost[host]! < 0) continue;
    for (let r = 0; r < R; r++) {
      let idle = 0;
      for (let i = pool.firstOnHost[host]!; i >= 0; i = pool.nextOnHost[i]!) {
        idle += pool.copies[i]! * model.idle[pool.workload[i]! * R + r]!;
      }
      const bound = (upper ?? model.capacity[host * R + r]!) - idle;
      rows[host * R + r] = program.addRow(Number.NEGATIVE_INFINITY, bound);
    }
  }
  return rows;
}

function segmentColumns(state: State, program: LinearProgram, rows: Int32Array, eps1: number): void {
  const { model } = state;
  const R = model.resourceCount;
  const mean = new Float64Array(R);
  for (let at = 0; at < rows.length; at++) mean[at % R]! += model.capacity[at]! / model.hostCount;
  for (let at = 0; at < rows.length; at++) {
    if (rows[at]! < 0) continue;
    const capacity = model.capacity[at]!;
    for (const { width, slope } of CROWDING) {
      const price = capacity === 0 ? 0 : (eps1 * slope) / mean[at % R]!;
      program.addColumn(-price, 0, width * capacity, [rows[at]!, -1]);
    }
  }
}

/** Row per column that has a cell; -1 for the others. */
function demandRows(
  { model }: State,
  cells: Cells,
  program: LinearProgram,
  bounds: (rate: number) => readonly [number, number],
): Int32Array {
  const rows = new Int32Array(model.columnCount).fill(-1);
  for (const j of cells.column) if (rows[j] === -1) rows[j] = program.addRow(...bounds(model.rate[j]!));
  return rows;
}

function useEntries(state: State, i: number, j: number, rows: Int32Array, factor: Float64Array): number[] {
  const { model, pool } = state;
  const R = model.resourceCount;
  const entries: number[] = [];
  for (let r = 0; r < R; r++) {
    const use = model.cost[j * R + r]! * factor[i * R + r]!;
    if (use > 0) entries.push(rows[pool.host[i]! * R + r]!, use);
  }
  return entries;
}

/** Loads in force per cell; null: none are known, and nothing is said against moving them. */
function oldLoads({ model, pool }: State, cells: Cells): Float64Array | null {
  if (model.load.length === 0) return null;
  const known = new Map(model.load.map(({ host, column, rate }) => [host * model.columnCount + column, rate]));
  return Float64Array.from(cells.column, (j, at) => {
    const rate = known.get(pool.host[cells.instance[at]!]! * model.columnCount + j) ?? 0;
    return Math.min(rate, model.rate[j]!);
  });
}

/** The least value per dominant share of what is asked for; not below a thousandth of the mean, for the solver's sake. */
function leastWorth({ model }: State): number {
  const { rate, value, share, demandValue } = model;
  let least = Number.POSITIVE_INFINITY;
  let shares = 0;
  for (let j = 0; j < rate.length; j++) {
    if (rate[j]! <= 0 || share[j]! <= 0) continue;
    shares += share[j]! * rate[j]!;
    least = Math.min(least, value[j]! / share[j]!);
  }
  return shares === 0 ? 1 : Math.max(least, (1e-3 * demandValue) / shares);
}

function negated(entries: readonly number[]): number[] {
  return entries.map((each, at) => (at % 2 === 1 ? -each : each));
}

function shift(program: LinearProgram, row: number, by: number): void {
  program.rowLower[row]! -= by;
  program.rowUpper[row]! -= by;
}
