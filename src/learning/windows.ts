/** What happened at the cells of matrices between two looks at the counts. */
import { type AnswerTimes, timesSince } from '../model/answer-times.ts';
import type { CellCounts, CellWork, CountsDocument, RowCounts } from '../model/counts.ts';
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
  levels: LevelSums | null;
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
    if (last === row || (last === undefined ? 0 : counted(last)) === counted(row)) continue;
    for (const [index, cell] of row.cells.entries()) {
      windows.push(windowOf(name.matrix, name.app, cellBefore(last, cell, index), cell));
    }
  }
  return windows;
}

/** Counters only rise: the same sum is the same counts, also where the row is made anew. */
function counted({ cells }: RowCounts): number {
  let sum = 0;
  for (const { requests, sticky, failures, work } of cells) {
    sum += requests + sticky + failures;
    if (work !== undefined) sum += work.answered + work.seconds + work.timeouts + work.shed;
  }
  return sum;
}

/** The row that a window is of, as it is called in counts and levels. */
export function rowOf({ matrix, app }: Pick<CellWindow, 'matrix' | 'app'>): string {
  return `${KIND} ${matrix} ${app}`;
}

/** The windows, with what is known of levels put into them. */
export function withLevels(windows: readonly CellWindow[], levels: readonly CellLevels[]): readonly CellWindow[] {
  if (levels.length === 0) return windows;
  const known = new Map<string, Map<ObjectKey, LevelSums>>();
  for (const { row, server, levels: own } of levels) {
    const servers = known.get(row);
    if (servers === undefined) known.set(row, new Map([[server, own]]));
    else servers.set(server, own);
  }
  for (const window of windows) window.levels = known.get(rowOf(window))?.get(window.server) ?? null;
  return windows;
}

/** Of thousands of cells in a second: nothing is made but the window itself. */
function windowOf(matrix: ObjectKey, app: string, then: CellCounts | undefined, cell: CellCounts): CellWindow {
  const [before, now] = [then?.work ?? NO_WORK, cell.work ?? NO_WORK];
  const window: CellWindow = {
    matrix,
    app,
    server: cell.server,
    arrivals: since((then?.requests ?? 0) + (then?.sticky ?? 0) + before.shed, cell.requests + cell.sticky + now.shed),
    answered: since(before.answered, now.answered),
    seconds: since(before.seconds, now.seconds),
    failures: since(then?.failures ?? 0, cell.failures),
    timeouts: since(before.timeouts, now.timeouts),
    levels: null,
  };
  return now.times === undefined ? window : { ...window, times: timesOf(before, now) };
}

const NO_WORK: CellWork = { answered: 0, seconds: 0, timeouts: 0, shed: 0 };

/** A count that fell began anew. */
function since(before: number, now: number): number {
  return now < before ? now : now - before;
}

function timesOf(before: CellWork, { answered, times = [] }: CellWork): AnswerTimes {
  return timesSince(before.answered > answered ? undefined : before.times, times);
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
