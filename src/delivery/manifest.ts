/** From snapshot to manifest and back: apply(diff(a, b), a) = b. Pieces always stand in order of kind, then key. Pure. */
import { hashContent, snapshotId } from '../model/content.ts';
import type { Piece, Snapshot } from '../model/snapshot.ts';
import { type Manifest, type PieceName, WireError } from './wire.ts';

export interface PieceDiff {
  /** New, or not as before; in order. */
  readonly changed: readonly Piece[];
  readonly removed: readonly (readonly [kind: string, key: string])[];
}

/** Costs a comparison of pointers for each piece that is the same object in both. */
export function diffPieces(before: readonly Piece[], after: readonly Piece[]): PieceDiff {
  const changed: Piece[] = [];
  const removed: [string, string][] = [];
  let at = 0;
  for (const piece of after) {
    let old = before[at];
    while (old !== undefined && old !== piece && isBefore(old, piece)) {
      removed.push([old.kind, old.key]);
      old = before[++at];
    }
    if (old === piece) at++;
    else if (old !== undefined && old.kind === piece.kind && old.key === piece.key) {
      if (old.hash !== piece.hash) changed.push(piece);
      at++;
    } else changed.push(piece);
  }
  for (const old of before.slice(at)) removed.push([old.kind, old.key]);
  return { changed, removed };
}

/** Names of pieces that are neither in `base` nor inline, and so have to be fetched. */
export function missingPieces(manifest: Manifest, base: Snapshot | null): readonly PieceName[] {
  const inline = new Set(manifest.inline.map(({ hash }) => hash));
  if (manifest.base !== null) return manifest.pieces.filter(([, , hash]) => !inline.has(hash));
  const known = new Set(base?.pieces.map(({ hash }) => hash));
  return manifest.pieces.filter(([, , hash]) => !inline.has(hash) && !known.has(hash));
}

/** Says which snapshot the pieces of a manifest make. */
export type Identify = (pieces: readonly Piece[], manifest: Manifest, base: Snapshot | null) => string;

/**
 * The snapshot that a manifest describes. `base` is what the one who asked for it had, `fetched` are the pieces that were
 * missing, by hash. Pieces that `base` has already stay the same objects (===).
 * Errors: WireError, where the result is not the snapshot that the manifest names.
 */
export function applyManifest(
  manifest: Manifest,
  base: Snapshot | null,
  fetched: ReadonlyMap<string, Piece>,
  identify: Identify = snapshotId,
): Snapshot {
  const given = new Map(manifest.inline.map((piece) => [piece.hash, piece]));
  const find = ([kind, key, hash]: PieceName, known?: Piece): Piece => {
    if (known !== undefined) return known;
    const piece = given.get(hash) ?? fetched.get(hash);
    if (piece === undefined) throw new WireError(`piece ${hash} of ${kind} ${key} is not there`);
    if (piece.kind !== kind || piece.key !== key) {
      throw new WireError(`piece ${hash} is ${piece.kind} ${piece.key}, expected ${kind} ${key}`);
    }
    if (!isGenuine(piece)) throw new WireError(`piece ${hash} of ${kind} ${key} is not what its hash says`);
    return piece;
  };
  let pieces: Piece[];
  if (manifest.base === null) {
    const known = new Map(base?.pieces.map((piece) => [piece.hash, piece]));
    pieces = manifest.pieces.map((name) => {
      const same = known.get(name[2]);
      return find(name, same?.key === name[1] && same.kind === name[0] ? same : undefined);
    });
  } else {
    if (base?.id !== manifest.base)
      throw new WireError(`the difference is to ${manifest.base}, not to ${base?.id ?? 'nothing'}`);
    pieces = merge(base.pieces, manifest, (name) => find(name));
  }
  const id = identify(pieces, manifest, base);
  if (id !== manifest.id) throw new WireError(`the pieces make snapshot ${id}, expected ${manifest.id}`);
  return { id, pieces };
}

/** Whether its content is what it is named by. */
export function isGenuine({ hash, ...content }: Piece): boolean {
  return hashContent(content) === hash;
}

export const nameOf = ({ kind, key, hash }: Piece): PieceName => [kind, key, hash];

/**
 * Where pieces do not stand in order, the first that does not; null: all do. Pairs that stand in the same place in `before`,
 * which is in order, are not looked at.
 */
export function outOfOrder(pieces: readonly Piece[], before: readonly Piece[] = []): Piece | null {
  for (let at = 1; at < pieces.length; at++) {
    if (pieces[at] === before[at] && pieces[at - 1] === before[at - 1]) continue;
    if (!isBefore(pieces[at - 1]!, pieces[at]!)) return pieces[at]!;
  }
  return null;
}

function merge(base: readonly Piece[], manifest: Manifest, find: (name: PieceName) => Piece): Piece[] {
  const gone = new Set(manifest.removed.map(([kind, key]) => `${kind} ${key}`));
  const pieces: Piece[] = [];
  let at = 0;
  const keepBefore = (name: PieceName | null): void => {
    for (let old = base[at]; old !== undefined; old = base[++at]) {
      if (name !== null && !isBefore(old, { kind: name[0], key: name[1] })) return;
      if (gone.size === 0 || !gone.has(`${old.kind} ${old.key}`)) pieces.push(old);
    }
  };
  for (const name of manifest.pieces) {
    keepBefore(name);
    const old = base[at];
    if (old?.kind === name[0] && old.key === name[1]) at++;
    pieces.push(find(name));
  }
  keepBefore(null);
  return pieces;
}

function isBefore(
  a: { readonly kind: string; readonly key: string },
  b: { readonly kind: string; readonly key: string },
): boolean {
  return a.kind === b.kind ? a.key < b.key : a.kind < b.kind;
}
