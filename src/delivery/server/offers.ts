import { randomBytes } from 'node:crypto';

import type { Piece, Snapshot } from '../../model/snapshot.ts';
import { keysId } from '../keys.ts';
import { diffPieces, nameOf, outOfOrder } from '../manifest.ts';
import type { Versions } from '../versions.ts';
import { FORMAT, INLINE_BYTES, type Manifest, PIECES_BYTES, type Publication, type SyncRequest } from '../wire.ts';
import { Claims } from './claims.ts';

/** Snapshots of which the difference to the present one can be told; each costs an array of pointers. */
const HISTORY = 64;

/** What this replica offers, and what a proxy lacks of it: as bytes, made once for all proxies that lack the same. */
export class Offers {
  /** Of this process: a proxy knows by it whom it follows. */
  readonly server = randomBytes(8).toString('hex');
  readonly made = { full: 0, delta: 0 };
  #current: Current | null = null;
  /** By id, the newest last. */
  readonly #history = new Map<string, readonly Piece[]>();
  readonly #claims = new Claims();
  /** With which versions the manifests were made. */
  #claimed: Versions = {};
  /** Of the present publication, by what the one who asks has. */
  readonly #manifests = new Map<string, Buffer>();
  /** Pieces by hash; made when somebody asks for one. */
  #byHash: ReadonlyMap<string, Piece> | null = null;
  readonly #texts = new WeakMap<Piece, Buffer>();

  /**
   * Whether there is something for proxies now for which there was nothing before. `seen`: up to where everything has been
   * seen, of each type. Errors: pieces that do not stand in order.
   */
  publish(publication: Publication, seen: Versions = publication.versions): boolean {
    const before = this.#current;
    const { snapshot } = publication;
    if (snapshot !== before?.publication.snapshot) {
      const wrong = outOfOrder(snapshot.pieces, before?.publication.snapshot.pieces);
      if (wrong !== null) throw new Error(`${wrong.kind} ${wrong.key} does not stand in order of kind, then key`);
      this.#history.delete(snapshot.id);
      this.#history.set(snapshot.id, snapshot.pieces);
      const [oldest] = this.#history.keys();
      if (this.#history.size > HISTORY && oldest !== undefined) this.#history.delete(oldest);
      this.#byHash = null;
    }
    this.#current = { publication, keys: keysId(publication.keys) };
    const someWaited = this.#claims.publish(publication.versions, seen);
    this.#manifests.clear();
    return someWaited || before?.publication.snapshot.id !== snapshot.id || before.keys !== this.#current.keys;
  }

  /** The manifest of what is newer than what the proxy has; null: nothing is. */
  newer(request: SyncRequest): Buffer | null {
    if (this.#current === null) return null;
    const { publication, keys } = this.#current;
    const { id } = publication.snapshot;
    if (id === request.have ? keys === request.keys : id === request.refused) return null;
    return this.#claims.cover(request.versions) ? this.#manifest(request.have) : null;
  }

  /**
   * Where the proxy has everything, but by older versions: a manifest without pieces, from which it learns them. It has
   * time until the end of a hold.
   */
  versions(request: SyncRequest): Buffer | null {
    if (this.#current === null) return null;
    const { publication, keys } = this.#current;
    if (publication.snapshot.id !== request.have || keys !== request.keys) return null;
    if (!this.#claims.cover(request.versions)) return null;
    const claimed = Object.entries(this.#claims.current);
    return claimed.every(([type, version]) => request.versions[type] === version) ? null : this.#manifest(request.have);
  }

  /** Those that are there, in the order in which they were asked for, until the answer is long enough. */
  pieces(hashes: readonly string[]): Buffer {
    this.#byHash ??= new Map(this.#current?.publication.snapshot.pieces.map((piece) => [piece.hash, piece]));
    const parts: Buffer[] = [];
    let bytes = 0;
    for (const hash of hashes) {
      const piece = this.#byHash.get(hash);
      if (piece === undefined) continue;
      const text = this.#text(piece);
      parts.push(text);
      bytes += text.length;
      if (bytes > PIECES_BYTES) break;
    }
    return Buffer.concat([Buffer.from('{"pieces":['), ...separated(parts), Buffer.from(']}')]);
  }

  #manifest(have: string | null): Buffer {
    const base = have !== null && this.#history.has(have) ? have : null;
    const key = base ?? '';
    // The versions are in them.
    if (this.#claimed !== this.#claims.current) this.#manifests.clear();
    this.#claimed = this.#claims.current;
    let manifest = this.#manifests.get(key);
    if (manifest === undefined) {
      manifest = this.#make(base);
      this.#manifests.set(key, manifest);
    }
    this.made[base === null ? 'full' : 'delta']++;
    return manifest;
  }

  #make(base: string | null): Buffer {
    const { publication } = this.#current!;
    const { snapshot, keys } = publication;
    const { changed, removed } = this.#difference(base, snapshot);
    const inline: Buffer[] = [];
    let bytes = 0;
    for (const piece of changed) {
      const text = this.#text(piece);
      bytes += text.length;
      if (bytes > INLINE_BYTES) break;
      inline.push(text);
    }
    const head: Omit<Manifest, 'inline'> = {
      format: FORMAT,
      server: this.server,
      id: snapshot.id,
      versions: this.#claims.current,
      base,
      pieces: changed.map(nameOf),
      removed,
      keys,
    };
    const text = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"inline":[`);
    return Buffer.concat([text, ...separated(inline), Buffer.from(']}')]);
  }

  #difference(base: string | null, { pieces }: Snapshot): ReturnType<typeof diffPieces> {
    const before = base === null ? undefined : this.#history.get(base);
    return before === undefined ? { changed: pieces, removed: [] } : diffPieces(before, pieces);
  }

  #text(piece: Piece): Buffer {
    let text = this.#texts.get(piece);
    if (text === undefined) this.#texts.set(piece, (text = Buffer.from(JSON.stringify(piece))));
    return text;
  }
}

interface Current {
  readonly publication: Publication;
  readonly keys: string;
}

const COMMA = Buffer.from(',');

const separated = (parts: readonly Buffer[]): Buffer[] =>
  parts.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part]));
