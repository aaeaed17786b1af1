/** Weights for loads, at once or a step of the way. */
import { columnsOf, type Rows, withColumns } from '../model/matrix-rows.ts';
import { SCALE, weightsOf } from '../placement/weights.ts';

/** The most that a share may change in one cycle: 20 percentage points (placement.md 5). */
export const MOST_PER_CYCLE = 0.2;

/** Loads by app and server: all cells that take work, those with no load as 0. */
export type Loads = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * The part of the way from the weights in force to the loads that may be gone at once: the same for all cells, since
 * utilisations are linear in the shares, and so none rises above what it is at either end.
 */
export function partOfTheWay(rows: Rows, loads: Loads): number {
  let most = 0;
  for (const { now, later } of movedShares(rows, loads)) most = Math.max(most, Math.abs(later - now));
  // Half a unit of either end may be rounding.
  const allowed = MOST_PER_CYCLE - 2 / SCALE;
  return most <= allowed ? 1 : allowed / most;
}

/** Columns without load keep their weights; so do cells that take no work now, beside which the others are weighted. */
export function rowsTowards(rows: Rows, loads: Loads, part: number): Rows {
  const columns = columnsOf(rows);
  const changed = new Map<string, Map<string, number>>();
  for (const { app, server, now, later } of movedShares(rows, loads)) {
    const column = changed.get(app) ?? new Map<string, number>();
    changed.set(app, column.set(server, now + part * (later - now)));
  }
  const weights = [...changed].map(([app, shares]): [string, ReadonlyMap<string, number>] => [
    app,
    columnWeights(columns.get(app)!, shares),
  ]);
  return withColumns(rows, new Map(weights));
}

interface MovedShare {
  readonly app: string;
  readonly server: string;
  readonly now: number;
  readonly later: number;
}

/** Of the cells that take work. */
function movedShares(rows: Rows, loads: Loads): MovedShare[] {
  const columns = columnsOf(rows);
  return [...loads].flatMap(([app, cells]) => {
    const column = columns.get(app);
    const weights = [...cells.keys()].reduce((sum, server) => sum + (column?.get(server) ?? 0), 0);
    const total = [...cells.values()].reduce((sum, rate) => sum + rate, 0);
    if (weights === 0 || total === 0) return [];
    return [...cells].map(([server, rate]) => ({
      app,
      server,
      now: (column?.get(server) ?? 0) / weights,
      later: rate / total,
    }));
  });
}

function columnWeights(before: ReadonlyMap<string, number>, shares: ReadonlyMap<string, number>): Map<string, number> {
  const sum = [...before.values()].reduce((total, weight) => total + weight, 0);
  const others = [...before].flatMap(([server, weight]): [string, number][] =>
    shares.has(server) ? [] : [[server, weight === 0 ? 0 : Math.max(1, Math.round((SCALE * weight) / sum))]],
  );
  const left = SCALE - others.reduce((total, [, weight]) => total + weight, 0);
  const cells = [...shares].map(([name, load]) => ({ name, load, old: null }));
  const weights = weightsOf(cells, left);
  return new Map([...others, ...cells.map(({ name }, at): [string, number] => [name, weights[at]!])]);
}
