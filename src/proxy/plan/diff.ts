/**
 * Which pieces of a snapshot differ from those in force: by hash, so that equal pieces cost one comparison each, and those
 * that are the same objects in the same places (as they are where a difference was applied) only one of pointers.
 */
import type {
  MatrixPiece,
  ObjectKey,
  Piece,
  RealServerPiece,
  ServicePiece,
  VirtualServerPiece,
} from '../../model/snapshot.ts';

/** `current`: the pieces of `before` by kind and key. */
export function diffPieces(current: Pieces, before: readonly Piece[], after: readonly Piece[]): PieceDiff {
  const [old, fresh] = withoutCommon(before, after);
  const changed = {
    VirtualServer: new Map<ObjectKey, VirtualServerPiece>(),
    Matrix: new Map<ObjectKey, MatrixPiece>(),
    RealServer: new Map<ObjectKey, RealServerPiece>(),
    Service: new Map<ObjectKey, ServicePiece>(),
  };
  const there = new Set<string>();
  for (const piece of fresh) {
    if (!isOfRows(piece)) continue;
    there.add(`${piece.kind} ${piece.key}`);
    if (current[GROUPS[piece.kind]].get(piece.key)?.hash === piece.hash) continue;
    (changed[piece.kind] as Map<ObjectKey, typeof piece>).set(piece.key, piece);
  }
  const removed = {
    VirtualServer: new Set<string>(),
    Matrix: new Set<string>(),
    RealServer: new Set<string>(),
    Service: new Set<string>(),
  };
  for (const piece of old) {
    if (isOfRows(piece) && !there.has(`${piece.kind} ${piece.key}`)) removed[piece.kind].add(piece.key);
  }
  return {
    virtualServers: kindDiff(current.virtualServers, changed.VirtualServer, removed.VirtualServer),
    matrices: kindDiff(current.matrices, changed.Matrix, removed.Matrix),
    servers: kindDiff(current.servers, changed.RealServer, removed.RealServer),
    services: kindDiff(current.services, changed.Service, removed.Service),
  };
}

export interface Pieces {
  readonly virtualServers: Map<ObjectKey, VirtualServerPiece>;
  readonly matrices: Map<ObjectKey, MatrixPiece>;
  readonly servers: Map<ObjectKey, RealServerPiece>;
  readonly services: Map<ObjectKey, ServicePiece>;
}

const GROUPS = {
  VirtualServer: 'virtualServers',
  Matrix: 'matrices',
  RealServer: 'servers',
  Service: 'services',
} as const satisfies Record<string, keyof Pieces>;

export interface PieceDiff {
  readonly virtualServers: KindDiff<VirtualServerPiece>;
  readonly matrices: KindDiff<MatrixPiece>;
  readonly servers: KindDiff<RealServerPiece>;
  readonly services: KindDiff<ServicePiece>;
}

export interface KindDiff<P> {
  readonly changed: ReadonlyMap<ObjectKey, P>;
  readonly removed: ReadonlySet<ObjectKey>;
  /** As it will be. */
  readonly get: (key: ObjectKey) => P | undefined;
}

/** Apps whose column is not the same in both. */
export function changedColumns(before: MatrixPiece | undefined, after: MatrixPiece | undefined): Set<string> {
  const changed = new Set<string>();
  const old = new Map(before?.columns.map((column) => [column.app, column]));
  for (const column of after?.columns ?? []) {
    const known = old.get(column.app);
    old.delete(column.app);
    const same =
      known !== undefined &&
      known.service === column.service &&
      known.cells.length === column.cells.length &&
      column.cells.every((cell, index) => {
        const other = known.cells[index]!;
        return cell.weight === other.weight && cell.server === other.server && cell.cap === other.cap;
      });
    if (!same) changed.add(column.app);
  }
  for (const app of old.keys()) changed.add(app);
  return changed;
}

function kindDiff<P>(
  current: ReadonlyMap<ObjectKey, P>,
  changed: ReadonlyMap<ObjectKey, P>,
  removed: ReadonlySet<ObjectKey>,
): KindDiff<P> {
  return { changed, removed, get: (key) => changed.get(key) ?? (removed.has(key) ? undefined : current.get(key)) };
}

/** Certificates, authorities and policy belong to listeners and connections, not to rows. */
const isOfRows = (piece: Piece): piece is Extract<Piece, { kind: keyof typeof GROUPS }> =>
  Object.hasOwn(GROUPS, piece.kind);

/** Both lists without pieces that are the same object in both; which of those are left out is of no importance. */
function withoutCommon(before: readonly Piece[], after: readonly Piece[]): [readonly Piece[], readonly Piece[]] {
  if (before.length === after.length) {
    return [
      before.filter((piece, index) => piece !== after[index]),
      after.filter((piece, index) => piece !== before[index]),
    ];
  }
  let start = 0;
  const most = Math.min(before.length, after.length);
  while (start < most && before[start] === after[start]) start++;
  let end = 0;
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  return [before.slice(start, before.length - end), after.slice(start, after.length - end)];
}
