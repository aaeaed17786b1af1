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

/** Of pieces in order of kind, then key. */
export const snapshotId = (pieces: readonly Pick<Piece, 'kind' | 'key' | 'hash'>[]): string =>
  hashText(pieces.map(({ kind, key, hash }) => `${kind} ${key} ${hash}\n`).join(''));
