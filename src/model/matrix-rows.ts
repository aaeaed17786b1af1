/** Weights of a matrix, as rows (as objects have them) and as columns (as shares are made of them). */

export interface Row {
  readonly server: string;
  readonly weights: readonly Cell[];
}

export interface Cell {
  readonly app: string;
  readonly weight: number;
  /** Most requests in flight; absent: no cap. One that a person gave stays, whoever computes the others. */
  readonly cap?: number;
}

export type Rows = readonly Row[];

/** By app, the weights (or caps) by server. */
export type Columns = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function columnsOf(rows: Rows): Columns {
  const columns = new Map<string, Map<string, number>>();
  for (const { server, weights } of rows) {
    for (const { app, weight } of weights) {
      const column = columns.get(app);
      if (column === undefined) columns.set(app, new Map([[server, weight]]));
      else column.set(server, weight);
    }
  }
  return columns;
}

/** Caps of the cells that have one. */
export function capsOf(rows: Rows): Columns {
  const columns = new Map<string, Map<string, number>>();
  for (const { server, weights } of rows) {
    for (const { app, cap } of weights) {
      if (cap === undefined) continue;
      const column = columns.get(app) ?? new Map<string, number>();
      columns.set(app, column.set(server, cap));
    }
  }
  return columns;
}

/** What a cell has of which nothing is said, where no other cell of the app says more. */
const IMPLIED = 100;

/**
 * Rows with a cell for every app: where instances are placed, too, an app may run on any of them. What is not given is as much
 * as the app's other cells have in the mean.
 */
export function wholeRows(given: Rows, apps: readonly string[]): Rows {
  const columns = columnsOf(given);
  const implied = new Map(
    apps.map((app): [string, number] => {
      const positive = [...(columns.get(app)?.values() ?? [])].filter((weight) => weight > 0);
      const mean = positive.reduce((sum, weight) => sum + weight, 0) / positive.length;
      return [app, positive.length === 0 ? IMPLIED : Math.max(1, Math.round(mean))];
    }),
  );
  return given.map(({ server, weights }) => {
    const there = new Set(weights.map(({ app }) => app));
    const more = apps.flatMap((app): Cell[] => (there.has(app) ? [] : [{ app, weight: implied.get(app)! }]));
    return more.length === 0 ? { server, weights } : { server, weights: [...weights, ...more] };
  });
}

/**
 * Weights that were computed, for the rows that the object has now; null where none of them can be used. The columns are
 * taken one by one: where an app has other cells than when its weights were computed, or others of weight 0, a person has
 * decided something about it, and what the object says counts until the next decision.
 */
export function carryOver(given: Rows, computed: Rows | null, { quiesces, caps }: Computing): Rows | null {
  if (computed === null) return null;
  const before = columnsOf(computed);
  const kept = new Map<string, ReadonlyMap<string, number>>();
  for (const [app, cells] of columnsOf(given)) {
    const column = before.get(app);
    if (column !== undefined && sameCells(cells, column, quiesces)) kept.set(app, column);
  }
  if (kept.size === 0) return null;
  const rows = withColumns(given, kept);
  return caps ? withCaps(rows, new Map([...capsOf(computed)].filter(([app]) => kept.has(app))), given) : rows;
}

/** What is computed beside weights. */
export interface Computing {
  /** Cells are quiesced, too: then only a 0 of the object's is a person's. */
  readonly quiesces: boolean;
  /** Cells get caps, too. */
  readonly caps: boolean;
}

/** `rows` with these caps and no others, but for those that are given. */
export function withCaps(rows: Rows, caps: Columns, given: Rows): Rows {
  const own = capsOf(given);
  return rows.map(({ server, weights }) => ({
    server,
    weights: weights.map(({ app, weight }): Cell => {
      const cap = own.get(app)?.get(server) ?? caps.get(app)?.get(server);
      return { app, weight, ...(cap === undefined ? {} : { cap }) };
    }),
  }));
}

/** `rows` with the weights of some columns replaced. */
export function withColumns(rows: Rows, columns: Columns): Rows {
  return rows.map(({ server, weights }) => ({
    server,
    weights: weights.map((cell) => {
      const weight = columns.get(cell.app)?.get(server);
      return weight === undefined ? cell : { ...cell, weight };
    }),
  }));
}

export function sameRows(a: Rows, b: Rows): boolean {
  return a.length === b.length && a.every((row, at) => sameRow(row, b[at]!));
}

export function sameRow(a: Row, b: Row): boolean {
  return (
    a.server === b.server &&
    a.weights.length === b.weights.length &&
    a.weights.every(({ app, weight, cap }, at) => {
      const other = b.weights[at]!;
      return other.app === app && other.weight === weight && other.cap === cap;
    })
  );
}

function sameCells(
  given: ReadonlyMap<string, number>,
  computed: ReadonlyMap<string, number>,
  quiesces: boolean,
): boolean {
  if (given.size !== computed.size) return false;
  return [...given].every(([server, weight]) => {
    const other = computed.get(server);
    return other !== undefined && ((quiesces && weight > 0) || weight > 0 === other > 0);
  });
}
