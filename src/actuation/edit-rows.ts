/** Weights as a course, or its end, leaves them. */
import { rowsTowards } from '../manager/step.ts';
import { columnsOf, type Rows, withColumns } from '../model/matrix-rows.ts';
import { type Seen, serving } from '../model/workloads.ts';
import type { WeightEdit } from './course.ts';

export function editRows(rows: Rows, edits: readonly WeightEdit[]): Rows {
  return edits.reduce((edited, edit) => {
    if (edit.kind === 'Loads') return rowsTowards(edited, edit.loads, 1);
    const columns = columnsOf(edited);
    const cells = edit.columns.flatMap((name): [string, ReadonlyMap<string, number>][] => {
      const column = columns.get(name);
      if (column?.has(edit.host) !== true) return [];
      const weight = edit.weight === 'Mean' ? meanWithout(column, edit.host) : edit.weight;
      return [[name, new Map([...column, [edit.host, weight]])]];
    });
    return withColumns(edited, new Map(cells));
  }, rows);
}

/** The least that takes work: what is held back has it, and counts for no mean. */
const LEAST = 1;

function meanWithout(column: ReadonlyMap<string, number>, host: string): number {
  const others = [...column].flatMap(([each, weight]) => (each !== host && weight > LEAST ? [weight] : []));
  if (others.length === 0) return LEAST;
  return Math.max(LEAST, Math.round(others.reduce((sum, weight) => sum + weight, 0) / others.length));
}

/**
 * What a course that nobody remembers has left: cells that it quiesced, and cells without an instance that it held back, get a weight
 * again. What the object itself has at 0 stays there.
 */
export function abandonedCells(
  rows: Rows,
  given: Rows,
  seen: Seen,
  columns: ReadonlyMap<string, string>,
): WeightEdit[] {
  const wanted = columnsOf(given);
  return [...columnsOf(rows)].flatMap(([name, cells]) => {
    const workload = seen.workloads.get(columns.get(name) ?? '');
    if (workload === undefined) return [];
    const live = new Set(serving(workload).map(({ host }) => host));
    return [...cells].flatMap(([host, weight]): WeightEdit[] => {
      if ((wanted.get(name)?.get(host) ?? 0) === 0) return [];
      const isLeft = weight === 0 || (weight <= LEAST && !live.has(host) && meanWithout(cells, host) > LEAST);
      return isLeft ? [{ kind: 'Cell', host, columns: [name], weight: 'Mean' }] : [];
    });
  });
}
