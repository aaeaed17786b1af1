/** Names by content: canonical JSON, its hash, and the id of a snapshot. */
import { createHash } from 'node:crypto';

import type { Piece } from './snapshot.ts';

/** JSON with keys in order, so that equal content is equal text. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join(',')}}`;
};

/** 64 bits of SHA-256: two of a million pieces are alike with a probability below 1e-7. */
export const hashText = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

export const hashContent = (value: unknown): string => hashText(canonicalJson(value));

/** In any order. */
export const snapshotId = (pieces: readonly Pick<Piece, 'kind' | 'key' | 'hash'>[]): string => {
  const id = new SnapshotId();
  for (const { kind, key, hash } of pieces) id.set(kind, key, hash);
  return id.text;
};

/**
 * The id of a snapshot that changes piece by piece. Pieces are dealt out to buckets by their names, and the id is the hash
 * of the buckets' hashes: with 15,000 pieces a changed one costs the hash of sixty lines, not of all.
 */
export class SnapshotId {
  readonly #buckets = Array.from({ length: BUCKETS }, (): Bucket => ({ lines: new Map(), hash: '' }));
  readonly #changed = new Set<Bucket>();
  #text: string | null = null;

  /** `hash` null: there is no such piece any more. */
  set(kind: Piece['kind'], key: string, hash: string | null): void {
    const name = `${kind} ${key}`;
    const bucket = this.#buckets[bucketOf(name)]!;
    if (hash === null) bucket.lines.delete(name);
    else bucket.lines.set(name, hash);
    this.#changed.add(bucket);
    this.#text = null;
  }

  get text(): string {
    if (this.#text !== null) return this.#text;
    for (const bucket of this.#changed) {
      const lines = [...bucket.lines].map(([name, hash]) => `${name} ${hash}\n`);
      bucket.hash = lines.length === 0 ? '' : hashText(lines.toSorted().join(''));
    }
    this.#changed.clear();
    this.#text = hashText(this.#buckets.map(({ hash }) => hash).join('\n'));
    return this.#text;
  }
}

interface Bucket {
  /** Hash by name of the piece. */
  readonly lines: Map<string, string>;
  /** Of all lines; '' where there are none. */
  hash: string;
}

const BUCKETS = 256;

/** FNV-1a over the UTF-16 units, folded. */
const bucketOf = (name: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1);
};
