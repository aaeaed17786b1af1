/** A snapshot as it may be shown: what every dump of one must go through. */
import type { Piece, Snapshot } from './snapshot.ts';

/** Stands where a private key stood. */
export const REDACTED = '(private key)';

/** The same without private keys; ids and hashes remain those of the whole, so that two dumps can be compared. */
export const redactSnapshot = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  pieces: snapshot.pieces.map(redactPiece),
});

export const redactPiece = (piece: Piece): Piece =>
  piece.kind === 'Certificate' ? { ...piece, privateKey: REDACTED } : piece;
