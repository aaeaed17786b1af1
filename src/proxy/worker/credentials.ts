/** Certificates, keys and authorities as a worker has them, by key. */
import type { AuthorityPiece, CertificatePiece, ObjectKey } from '../../model/snapshot.ts';
import { hasCredentials, type CredentialsChange } from '../messages.ts';

export class Credentials {
  private readonly certificates = new Map<ObjectKey, CertificatePiece>();
  private readonly authorities = new Map<ObjectKey, AuthorityPiece>();

  /** @returns true where something is not what it was */
  update(change: CredentialsChange): boolean {
    for (const piece of change.certificates) this.certificates.set(piece.key, piece);
    for (const piece of change.authorities) this.authorities.set(piece.key, piece);
    for (const key of change.removedCertificates) this.certificates.delete(key);
    for (const key of change.removedAuthorities) this.authorities.delete(key);
    return hasCredentials(change);
  }

  /** Those of them that there are. */
  certificatesOf(keys: readonly ObjectKey[]): CertificatePiece[] {
    return keys.flatMap((key) => this.certificates.get(key) ?? []);
  }

  authoritiesOf(keys: readonly ObjectKey[]): AuthorityPiece[] {
    return keys.flatMap((key) => this.authorities.get(key) ?? []);
  }
}
