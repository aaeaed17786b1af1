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
  readonly levels: LevelSums | null;
}

/** A row of a matrix of which anything is new. */
export interface CountedRow {
  readonly before: RowCounts | undefined;
  readonly now: RowCounts;
}

/**
 * The matrices' rows at which anything was counted between two looks. An idle row costs a comparison: there are thousands, and
 * it is asked every second.
 */
export function countedRows(before: CountsDocument, after: CountsDocument): CountedRow[] {
  const rows: CountedRow[] = [];
  let known: ReadonlyMap<string, RowCounts> | null = null;
  for (let at = 0; at < after.rows.length; at++) {
    const now = after.rows[at]!;
    // As long as no row comes or goes, each has its place.
    let last = before.rows[at];
    if (last === now || !now.id.startsWith(KIND)) continue;
    if (last?.id !== now.id) last = (known ??= new Map(before.rows.map((each) => [each.id, each]))).get(now.id);
    if (last === now || (last === undefined ? 0 : counted(last)) === counted(now)) continue;
    rows.push({ before: last, now });
  }
  return rows;
}

/**
 * One window for each cell of the rows. What was not there before began at 0; a cell whose counts fell (its row is another one
 * of the same name) did so too. One after the other, so that each can go before the next one comes: kept until the last is
 * taken, thousands of them would be old to V8, and stay for minutes.
 *
 * @param levels of their cells, in the order of the rows; none: nothing is known of them
 */
export function* windowsIn(rows: Iterable<CountedRow>, levels: readonly CellLevels[] = []): Generator<CellWindow> {
  let next = 0;
  for (const { before, now } of rows) {
    const from = next;
    while (levels[next]?.row === now.id) next++;
    const { matrix, app } = namesOf(now.id);
    for (const [index, cell] of now.cells.entries()) {
      yield windowOf(matrix, app, cellBefore(before, cell, index), cell, levelsOf(levels, from, next, cell.server));
    }
  }
}

/** The windows of all that was counted between two looks, without levels. */
export function windowsOf(before: CountsDocument, after: CountsDocument): Generator<CellWindow> {
  return windowsIn(countedRows(before, after));
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

function levelsOf(levels: readonly CellLevels[], from: number, to: number, server: ObjectKey): LevelSums | null {
  for (let at = from; at < to; at++) if (levels[at]!.server === server) return levels[at]!.levels;
  return null;
}

/** Of thousands of cells in a second: nothing is made but the window itself. */
function windowOf(
  matrix: ObjectKey,
  app: string,
  then: CellCounts | undefined,
  cell: CellCounts,
  levels: LevelSums | null,
): CellWindow {
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
    levels,
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

/** A column's row is called `matrix NAMESPACE/NAME APP`. */
const KIND = 'matrix ';

export function namesOf(id: string): { readonly matrix: ObjectKey; readonly app: string } {
  const end = id.indexOf(' ', KIND.length);
  return { matrix: id.slice(KIND.length, end), app: id.slice(end + 1) };
}
