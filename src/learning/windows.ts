/** What happened at the cells of matrices between two looks at the counts. */
import { type AnswerTimes, timesSince } from '../model/answer-times.ts';
import type { CellCounts, CountsDocument, RowCounts } from '../model/counts.ts';
import type { CellLevels, LevelSums } from '../model/levels.ts';
import type { ObjectKey } from '../model/snapshot.ts';

export interface CellWindow {
  readonly matrix: ObjectKey;
  readonly app: string;
  readonly server: ObjectKey;
  /** Requests that were sent there first, and those of the row that none could take. */
  readonly arrivals: number;
  /** Requests that were answered, and the seconds that took. */
  readonly answered: number;
  readonly seconds: number;
  /** Tries that failed; those that timed out are among them. */
  readonly failures: number;
  readonly timeouts: number;
  /** Answers by how long they took; absent: it was not counted. */
  readonly times?: AnswerTimes;
  /** Null: nothing is known of levels. */
  readonly levels: LevelSums | null;
}

/**
 * One window for each cell of the matrices' rows of which anything is new, without levels. What was not there before began at
 * 0; a cell whose counts fell (its row is another one of the same name) did so too. An idle row costs a comparison: there are
 * thousands, and it is asked every second.
 */
export function windowsOf(before: CountsDocument, after: CountsDocument): CellWindow[] {
  const windows: CellWindow[] = [];
  let known: ReadonlyMap<string, RowCounts> | null = null;
  for (let at = 0; at < after.rows.length; at++) {
    const row = after.rows[at]!;
    // As long as no row comes or goes, each has its place.
    let last = before.rows[at];
    if (last === row) continue;
    const name = matrixOf(row.id);
    if (name === null) continue;
    if (last?.id !== row.id) last = (known ??= new Map(before.rows.map((each) => [each.id, each]))).get(row.id);
    if (last === row) continue;
    for (const [index, cell] of row.cells.entries()) {
      windows.push({ ...name, ...changeOf(cellBefore(last, cell, index), cell), levels: null });
    }
  }
  return windows;
}

/** The row that a window is of, as it is called in counts and levels. */
export function rowOf({ matrix, app }: Pick<CellWindow, 'matrix' | 'app'>): string {
  return `${KIND} ${matrix} ${app}`;
}

/** The same windows with what is known of levels. */
export function withLevels(windows: readonly CellWindow[], levels: readonly CellLevels[]): readonly CellWindow[] {
  const known = new Map(levels.map((each) => [`${each.row}\n${each.server}`, each.levels]));
  return windows.map((window) => ({ ...window, levels: known.get(`${rowOf(window)}\n${window.server}`) ?? null }));
}

function changeOf(then: CellCounts | undefined, cell: CellCounts): Omit<CellWindow, 'matrix' | 'app' | 'levels'> {
  const change = (of: (each: CellCounts) => number) => {
    const [a, b] = [then === undefined ? 0 : of(then), of(cell)];
    return b < a ? b : b - a;
  };
  return {
    server: cell.server,
    arrivals: change(({ requests, sticky, work }) => requests + sticky + (work?.shed ?? 0)),
    answered: change(({ work }) => work?.answered ?? 0),
    seconds: change(({ work }) => work?.seconds ?? 0),
    failures: change(({ failures }) => failures),
    timeouts: change(({ work }) => work?.timeouts ?? 0),
    ...timesOf(then, cell),
  };
}

function timesOf(then: CellCounts | undefined, { work }: CellCounts): Pick<CellWindow, 'times'> {
  if (work?.times === undefined) return {};
  // It began anew.
  const before = (then?.work?.answered ?? 0) > work.answered ? undefined : then?.work?.times;
  return { times: timesSince(before, work.times) };
}

function cellBefore(row: RowCounts | undefined, { server }: CellCounts, index: number): CellCounts | undefined {
  const same = row?.cells[index];
  return same?.server === server ? same : row?.cells.find((cell) => cell.server === server);
}

const KIND = 'matrix';

/** A column's row is called `matrix NAMESPACE/NAME APP`. Null: it is another kind of row. */
function matrixOf(id: string): { readonly matrix: ObjectKey; readonly app: string } | null {
  const [kind, matrix, app] = id.split(' ');
  return kind === KIND && matrix !== undefined && app !== undefined ? { matrix, app } : null;
}
