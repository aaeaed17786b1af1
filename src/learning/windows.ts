/** What happened at the cells of matrices between two looks at the counts. */
import type { CellCounts, CountsDocument, RowCounts } from '../model/counts.ts';
import type { LevelSums } from '../model/levels.ts';
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
  /** Null: nothing is known of levels. */
  readonly levels: LevelSums | null;
}

/**
 * One window for each cell of the matrices' rows of which anything is new. What was not there before began at 0; a cell whose
 * counts fell (its row is another one of the same name) did so too.
 * @param levels by row id and server, one after the other with a line break between
 */
export function windowsOf(
  before: CountsDocument,
  after: CountsDocument,
  levels: ReadonlyMap<string, LevelSums> = new Map(),
): CellWindow[] {
  const known = new Map(before.rows.map((row) => [row.id, row]));
  return after.rows.flatMap((row) => {
    const name = matrixOf(row.id);
    if (name === null) return [];
    const last = known.get(row.id);
    // Most rows of most matrices are idle, and stay the same object; levels are read a moment later than counts.
    if (last === row && levels.size === 0) return [];
    const levelsOf = row.cells.map(({ server }) => levels.get(`${row.id}\n${server}`) ?? null);
    if (last === row && levelsOf.every((each) => each === null)) return [];
    return row.cells.map((cell, index) => {
      const then = cellBefore(last, cell, index);
      const change = (of: (each: CellCounts) => number) => {
        const [a, b] = [then === undefined ? 0 : of(then), of(cell)];
        return b < a ? b : b - a;
      };
      return {
        ...name,
        server: cell.server,
        arrivals: change(({ requests, sticky, work }) => requests + sticky + (work?.shed ?? 0)),
        answered: change(({ work }) => work?.answered ?? 0),
        seconds: change(({ work }) => work?.seconds ?? 0),
        failures: change(({ failures }) => failures),
        timeouts: change(({ work }) => work?.timeouts ?? 0),
        levels: levelsOf[index]!,
      };
    });
  });
}

function cellBefore(row: RowCounts | undefined, { server }: CellCounts, index: number): CellCounts | undefined {
  const same = row?.cells[index];
  return same?.server === server ? same : row?.cells.find((cell) => cell.server === server);
}

/** A column's row is called `matrix NAMESPACE/NAME APP`. Null: it is another kind of row. */
function matrixOf(id: string): { readonly matrix: ObjectKey; readonly app: string } | null {
  const [kind, matrix, app] = id.split(' ');
  return kind === 'matrix' && matrix !== undefined && app !== undefined ? { matrix, app } : null;
}
