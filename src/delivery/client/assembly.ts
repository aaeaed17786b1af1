import { SnapshotId } from '../../model/content.ts';
import type { Piece, Snapshot } from '../../model/snapshot.ts';
import { applyManifest, type Identify, missingPieces } from '../manifest.ts';
import { type Manifest, type PieceName, PIECES_AT_ONCE } from '../wire.ts';

/** The replica has published something else meanwhile, and no longer has what its manifest names: ask it again. */
export class PiecesGone extends Error {}

/** Milliseconds to wait for what is fetched from another replica already. */
const PATIENCE = 5000;

/**
 * From manifests to snapshots. Makes one only once, and fetches what is missing only once, though every replica names it; a
 * difference costs what it is worth.
 */
export class Assembly {
  readonly #running = new Map<string, Promise<Snapshot>>();
  /** What was fetched for a snapshot that did not become whole: the next one needs most of it. */
  readonly #fetched = new Map<string, Piece>();
  /** The one that was made last. */
  #made: Snapshot | null = null;
  /** The id of its pieces, to be changed into that of the next one; null: it has to be made anew. */
  #id: SnapshotId | null = null;

  /** `fetch`: pieces by hash, some of those that are asked for. Errors: WireError, PiecesGone, those of `fetch`. */
  async assemble(manifest: Manifest, base: Snapshot | null, fetch: Fetch): Promise<Snapshot> {
    if (this.#made?.id === manifest.id) return this.#made;
    if (missingPieces(manifest, base).length === 0) return this.#make(manifest, base);
    const running = this.#running.get(manifest.id);
    if (running !== undefined) {
      const snapshot = await Promise.race([running.catch(() => null), pause(PATIENCE)]);
      if (snapshot !== null) return snapshot;
    }
    const own = this.#fetchAll(manifest, base, fetch);
    this.#running.set(manifest.id, own);
    try {
      return await own;
    } finally {
      if (this.#running.get(manifest.id) === own) this.#running.delete(manifest.id);
    }
  }

  async #fetchAll(manifest: Manifest, base: Snapshot | null, fetch: Fetch): Promise<Snapshot> {
    let missing: readonly PieceName[] = missingPieces(manifest, base);
    for (;;) {
      missing = missing.filter(([, , hash]) => !this.#fetched.has(hash));
      if (missing.length === 0) break;
      const pieces = await fetch(missing.slice(0, PIECES_AT_ONCE).map(([, , hash]) => hash));
      const before = missing.length;
      for (const piece of pieces) this.#fetched.set(piece.hash, piece);
      missing = missing.filter(([, , hash]) => !this.#fetched.has(hash));
      if (missing.length === before) throw new PiecesGone('pieces that the manifest names are not there any more');
    }
    try {
      return this.#make(manifest, base);
    } finally {
      // Whole: nothing of it is needed again. Damaged: it must be fetched anew.
      this.#fetched.clear();
    }
  }

  #make(manifest: Manifest, base: Snapshot | null): Snapshot {
    this.#made = applyManifest(manifest, base, this.#fetched, this.#identify);
    return this.#made;
  }

  readonly #identify: Identify = (pieces, { id, base: difference, pieces: changed, removed }, base) => {
    let known = this.#id;
    // Until it has turned out to be right, it belongs to nothing.
    this.#id = null;
    if (known === null || difference === null || base === null || base !== this.#made) {
      known = new SnapshotId();
      for (const { kind, key, hash } of pieces) known.set(kind, key, hash);
    } else {
      for (const [kind, key] of removed) known.set(kind as Piece['kind'], key, null);
      for (const [kind, key, hash] of changed) known.set(kind as Piece['kind'], key, hash);
    }
    if (known.text === id) this.#id = known;
    return known.text;
  };
}

export type Fetch = (hashes: readonly string[]) => Promise<readonly Piece[]>;

const pause = (ms: number): Promise<null> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(null), ms).unref();
  });
