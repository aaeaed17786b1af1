/** Which pieces of a snapshot differ from those in force: by hash, so that equal pieces cost one comparison each. */
import type {
  MatrixPiece,
  ObjectKey,
  RealServerPiece,
  ServicePiece,
  Snapshot,
  VirtualServerPiece,
} from '../../model/snapshot.ts';

export function diffPieces(current: Pieces, snapshot: Snapshot): PieceDiff {
  const changed = {
    VirtualServer: new Map<ObjectKey, VirtualServerPiece>(),
    Matrix: new Map<ObjectKey, MatrixPiece>(),
    RealServer: new Map<ObjectKey, RealServerPiece>(),
    Service: new Map<ObjectKey, ServicePiece>(),
  };
  const seen = {
    VirtualServer: new Set<ObjectKey>(),
    Matrix: new Set<ObjectKey>(),
    RealServer: new Set<ObjectKey>(),
    Service: new Set<ObjectKey>(),
  };
  for (const piece of snapshot.pieces) {
    // Certificates, authorities and policy belong to listeners and connections, not to rows.
    if (piece.kind === 'Certificate' || piece.kind === 'Authority' || piece.kind === 'Policy') continue;
    const known = current[GROUPS[piece.kind]].get(piece.key);
    if (known !== undefined) seen[piece.kind].add(piece.key);
    if (known?.hash === piece.hash) continue;
    (changed[piece.kind] as Map<ObjectKey, typeof piece>).set(piece.key, piece);
  }
  return {
    virtualServers: kindDiff(current.virtualServers, changed.VirtualServer, seen.VirtualServer),
    matrices: kindDiff(current.matrices, changed.Matrix, seen.Matrix),
    servers: kindDiff(current.servers, changed.RealServer, seen.RealServer),
    services: kindDiff(current.services, changed.Service, seen.Service),
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
        return cell.weight === other.weight && cell.server === other.server;
      });
    if (!same) changed.add(column.app);
  }
  for (const app of old.keys()) changed.add(app);
  return changed;
}

function kindDiff<P>(current: Map<ObjectKey, P>, changed: Map<ObjectKey, P>, seen: Set<ObjectKey>): KindDiff<P> {
  const removed = new Set<ObjectKey>();
  if (seen.size < current.size) for (const key of current.keys()) if (!seen.has(key)) removed.add(key);
  return { changed, removed, get: (key) => changed.get(key) ?? (removed.has(key) ? undefined : current.get(key)) };
}
