/** Snapshot and statuses, kept up with what changes. */
import { SnapshotId } from '../model/content.ts';
import type { Piece, Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import type { Result, Values } from './derivations.ts';
import type { Change } from './graph.ts';
import { type EntryChange, withChanges } from './sorted-list.ts';

export class Outcome {
  readonly #id = new SnapshotId();
  #snapshot: Snapshot = { id: this.#id.text, pieces: [] };
  #statuses: readonly ObjectStatus[] = [];

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** In order of kind, then key. */
  get statuses(): readonly ObjectStatus[] {
    return this.#statuses;
  }

  /** `previous`: what of it is the same is the same object (===) afterwards. */
  take(changes: readonly Change<Values>[], previous: Snapshot | undefined): void {
    const pieces: EntryChange<Piece>[] = [];
    const statuses: EntryChange<ObjectStatus>[] = [];
    for (const { kind, key, value } of changes) {
      const names = KINDS[kind];
      if (names === undefined) continue;
      const piece = names.status === null ? (value as Piece | undefined) : (value as Result | undefined)?.piece;
      pieces.push({ kind: names.piece, key, entry: piece ?? null });
      if (names.status === null) continue;
      statuses.push({ kind: names.status, key, entry: (value as Result | undefined)?.status ?? null });
    }
    this.#statuses = withChanges(this.#statuses, statuses, () => false);
    const former = this.#snapshot;
    let list = withChanges(former.pieces, pieces, sameHash);
    for (const { kind, key, entry } of pieces) this.#id.set(kind as Piece['kind'], key, entry?.hash ?? null);
    if (previous !== undefined && previous !== former) list = adopted(list, previous.pieces);
    const id = this.#id.text;
    if (previous?.id === id) this.#snapshot = previous;
    else if (list !== former.pieces) this.#snapshot = { id, pieces: list };
  }
}

/** Which kinds of values are pieces, or results with a piece and a status. */
const KINDS: Readonly<Partial<Record<keyof Values, Names>>> = {
  certificate: { piece: 'Certificate', status: null },
  authority: { piece: 'Authority', status: null },
  addressPolicy: { piece: 'Policy', status: null },
  endpoints: { piece: 'Service', status: null },
  server: { piece: 'RealServer', status: 'RealServer' },
  matrix: { piece: 'Matrix', status: 'AppWeightMatrix' },
  virtual: { piece: 'VirtualServer', status: 'TcpVirtualServer' },
};

interface Names {
  readonly piece: Piece['kind'];
  readonly status: ObjectStatus['kind'] | null;
}

const sameHash = (a: Piece, b: Piece): boolean => a.hash === b.hash;

/** Pieces that were made elsewhere (in a former process, say) are known by their hashes alone. */
const adopted = (list: readonly Piece[], strange: readonly Piece[]): readonly Piece[] => {
  const known = new Map(strange.map((piece) => [`${piece.kind} ${piece.key}`, piece]));
  return list.map((piece) => {
    const other = known.get(`${piece.kind} ${piece.key}`);
    return other?.hash === piece.hash ? other : piece;
  });
};
