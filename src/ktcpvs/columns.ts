/** Columns of matrices: where a rule's destinations come from when it names an app. */
import type { Draft } from './draft.ts';
import type { MatrixObject, RuleSpec, VirtualObject } from './objects.ts';
import { Refused } from './refused.ts';

export interface Column {
  readonly matrix: MatrixObject;
  readonly app: string;
}

/** The matrix of the rule's app: the first of the virtual server's that has such a column; null where none has. */
export function columnOf(draft: Draft, virtual: VirtualObject, rule: RuleSpec): Column | null {
  if (rule.app === undefined) return null;
  for (const { name } of virtual.spec.matrixRefs ?? []) {
    const matrix = draft.matrix({ namespace: virtual.metadata.namespace, name });
    if (matrix?.spec.apps.some((app) => app.name === rule.app)) return { matrix, app: rule.app };
  }
  return null;
}

/** In the order of the matrix' rows. */
export function cellsOf({ matrix, app }: Column): { server: string; weight: number }[] {
  return (matrix.spec.rows ?? []).flatMap((row) =>
    (row.weights ?? []).filter((cell) => cell.app === app).map((cell) => ({ server: row.server, weight: cell.weight })),
  );
}

export function setCell(column: Column, server: string, weight: number): void {
  const { spec } = column.matrix;
  const rows = (spec.rows ??= []);
  const row = rows.find((each) => each.server === server);
  const cell = row?.weights?.find((each) => each.app === column.app);
  if (cell?.weight === weight) return;
  refuseComputed(column);
  if (cell !== undefined) cell.weight = weight;
  else if (row !== undefined) (row.weights ??= []).push({ app: column.app, weight });
  else rows.push({ server, weights: [{ app: column.app, weight }] });
}

/** A row that is left without a cell goes too. */
export function removeCell(column: Column, server: string): void {
  const { spec } = column.matrix;
  const row = spec.rows?.find((each) => each.server === server);
  if (row === undefined) return;
  refuseComputed(column);
  row.weights = (row.weights ?? []).filter((cell) => cell.app !== column.app);
  if (row.weights.length === 0) spec.rows = (spec.rows ?? []).filter((each) => each !== row);
}

function refuseComputed({ matrix, app }: Column): void {
  if (matrix.spec.mode !== 'Auto') return;
  throw new Refused(
    `the weights of app ${app} are computed (matrix ${matrix.metadata.name} is in mode Auto) and cannot be set by hand`,
  );
}
