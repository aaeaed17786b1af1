/** Matrices: columns of destinations, from the rows that are in force. */
import type { AppWeightMatrixSpec, AppWeightMatrixStatus } from '../api/app-weight-matrix.ts';
import { carryOver, type Computing, type Rows, sameRows, wholeRows } from '../model/matrix-rows.ts';
import type { Column, Destination, MatrixPiece, ObjectKey } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import type { ClusterState } from './cluster-state.ts';
import { isFalse, isPending, isUnknown, type Problem, unless, withReady } from './conditions.ts';
import { lookUpService, type ServiceWorld } from './server-source.ts';
import { lackOf, type ServerFacts } from './servers.ts';
import { accepted, type Subject } from './subjects.ts';

export interface MatrixResult {
  readonly content: Omit<MatrixPiece, 'hash'> | null;
  readonly status: ObjectStatus;
}

/**
 * Auto: computed weights rule, for the cells that the spec has now; else, and in the other modes, the rows of the spec. Who
 * computes them writes them anew after an edit, but nobody's requests wait for that. Where instances are placed, too, apps have
 * cells on all rows, whoever has put instances there.
 */
export const rowsInForce = (
  spec: AppWeightMatrixSpec,
  status: AppWeightMatrixStatus | undefined,
  mode: ClusterState['mode'],
): Rows => {
  if (spec.mode !== 'Auto') return spec.rows;
  const given = givenRows(spec, mode);
  return (status === undefined ? null : carryOver(given, status.rows, computingOf(spec, mode))) ?? given;
};

export const placesInstances = ({ mode, placement }: AppWeightMatrixSpec, where: ClusterState['mode']): boolean =>
  mode === 'Auto' && where === 'Cluster' && placement?.actuate === 'Manage';

/** What is computed for it beside weights. */
export const computingOf = (spec: AppWeightMatrixSpec, where: ClusterState['mode']): Computing => ({
  quiesces: placesInstances(spec, where),
  caps: spec.placement?.caps === 'Computed',
});

/** The cells that an object asks for. */
export const givenRows = (spec: AppWeightMatrixSpec, where: ClusterState['mode']): Rows =>
  placesInstances(spec, where)
    ? wholeRows(
        spec.rows,
        spec.apps.map(({ name }) => name),
      )
    : spec.rows;

export interface MatrixWorld extends ServiceWorld {
  readonly mode: ClusterState['mode'];
  readonly server: (key: ObjectKey) => ServerFacts | undefined;
}

/** Piece and status of one matrix. */
export const translateMatrix = (
  subject: Subject<AppWeightMatrixSpec>,
  rows: Rows,
  world: MatrixWorld,
): MatrixResult => {
  const { key, generation, spec } = subject;
  if (spec === null) return { content: null, status: notServed(subject) };
  const problems: Problem[] = [];
  const columns = columnsOf(spec, rows, subject.namespace, world, problems);
  const conditions: Condition[] = [
    accepted(subject),
    unless('ResolvedRefs', problems, 'ResolvedRefs', acceptedRows(spec, rows, world.mode), generation),
    isPending('Programmed', generation),
    isPending('OnTarget', generation),
  ];
  return {
    content: { kind: 'Matrix', key, columns },
    status: {
      kind: 'AppWeightMatrix',
      key,
      observedGeneration: generation,
      conditions: withReady('AppWeightMatrix', conditions, generation),
      details: {
        appCount: spec.apps.length,
        rowCount: rows.length,
        cellCount: rows.reduce((sum, row) => sum + row.weights.length, 0),
      },
    },
  };
};

/** One column per app; a cell that names an unknown server or app is left out and reported. */
const columnsOf = (
  spec: AppWeightMatrixSpec,
  rows: Rows,
  namespace: string,
  world: MatrixWorld,
  problems: Problem[],
): Column[] => {
  const cells = new Map<string, Destination[]>(spec.apps.map((app) => [app.name, []]));
  /** Per app, a node that one of its cells is on. */
  const onNode = new Map<string, ObjectKey>();
  const isOurs = cellsOf(spec, world.mode);
  for (const row of rows) {
    const server = world.server(`${namespace}/${row.server}`);
    if (server === undefined) {
      const message = `RealServer ${namespace}/${row.server}, of a row, does not exist`;
      problems.push({ reason: 'ServerNotFound', message });
    }
    for (const { app, weight, cap } of row.weights) {
      const column = cells.get(app);
      if (column === undefined) {
        const message = `the cell of ${row.server} names the app ${app}, which is not among spec.apps`;
        problems.push({ reason: 'AppNotFound', message });
      } else if (server !== undefined && (server.kind === 'Node' || isOurs(row.server, app))) {
        column.push({ server: server.key, weight, ...(cap === undefined ? {} : { cap }) });
        if (server.kind === 'Node' && !onNode.has(app)) onNode.set(app, server.key);
        const lack = lackOf(server, app);
        if (lack !== null) problems.push(lack);
      }
    }
  }
  const alike = sharing();
  return spec.apps.map((app) => {
    const node = onNode.get(app.name);
    const service = node === undefined ? null : serviceOf(app, node, namespace, world, problems);
    return { app: app.name, service, cells: alike(cells.get(app.name) ?? []) };
  });
};

/** Whether a cell is the object's own, and not there because instances may be put on the row: which is so for nodes alone. */
const cellsOf = (spec: AppWeightMatrixSpec, mode: ClusterState['mode']): ((server: string, app: string) => boolean) => {
  if (!placesInstances(spec, mode)) return () => true;
  const own = new Set(spec.rows.flatMap(({ server, weights }) => weights.map(({ app }) => `${server} ${app}`)));
  return (server, app) => own.has(`${server} ${app}`);
};

/** Most apps of a platform have the same weights on the same hosts: equal columns become one. */
const sharing = (): ((cells: readonly Destination[]) => readonly Destination[]) => {
  const known = new Map<string, readonly Destination[]>();
  return (cells) => {
    const content = cells.map(({ server, weight, cap = '' }) => `${server} ${weight} ${cap}`).join('\n');
    const same = known.get(content);
    if (same === undefined) known.set(content, cells);
    return same ?? cells;
  };
};

/** Without a cluster it is the node that is at fault, and says so itself. */
const serviceOf = (
  { name, serviceRef }: AppWeightMatrixSpec['apps'][number],
  node: ObjectKey,
  namespace: string,
  world: MatrixWorld,
  problems: Problem[],
): ObjectKey | null => {
  if (world.mode === 'Standalone') return null;
  if (serviceRef === undefined) {
    const message = `app ${name} has no serviceRef, which tells its endpoints on RealServer ${node}, a node`;
    problems.push({ reason: 'ServiceNotGiven', message });
    return null;
  }
  const { piece, problem } = lookUpService(serviceRef, 'AppWeightMatrix', namespace, world);
  if (problem !== null) problems.push({ ...problem, message: `app ${name}: ${problem.message}` });
  return piece;
};

const acceptedRows = (spec: AppWeightMatrixSpec, rows: Rows, mode: ClusterState['mode']): string => {
  if (spec.mode !== 'Auto') return 'All servers and apps are known';
  return sameRows(rows, givenRows(spec, mode))
    ? 'All servers and apps are known; nothing is computed yet, so spec.rows rule'
    : 'All servers and apps are known; computed weights rule';
};

const notServed = (subject: Subject<unknown>): ObjectStatus => {
  const { key, generation } = subject;
  const why = 'Not looked at, because the object is not accepted';
  const conditions = [
    accepted(subject),
    isUnknown('ResolvedRefs', 'NotServed', why, generation),
    isFalse('Programmed', 'NotServed', 'Nothing is served', generation),
    isUnknown('OnTarget', 'NotServed', why, generation),
  ];
  return {
    kind: 'AppWeightMatrix',
    key,
    observedGeneration: generation,
    conditions: withReady('AppWeightMatrix', conditions, generation),
    details: {},
  };
};
