/** Certificates, keys and authorities of the snapshot in force, and what of them the workers must be told. */
import type { AuthorityPiece, CertificatePiece, ObjectKey, Snapshot } from '../../model/snapshot.ts';
import { hasCredentials, NO_CREDENTIALS, type CredentialsChange } from '../messages.ts';
import { ServerContexts } from '../server-contexts.ts';
import type { CertificateDates } from './certificate-dates.ts';

export class Credentials {
  #certificates: ReadonlyMap<ObjectKey, CertificatePiece> = new Map();
  #authorities: ReadonlyMap<ObjectKey, AuthorityPiece> = new Map();
  readonly #dates: Pick<CertificateDates, 'update'>;
  /** For health checks; the workers have their own. */
  readonly contexts = new ServerContexts(this);

  constructor(dates: Pick<CertificateDates, 'update'>) {
    this.#dates = dates;
  }

  /** Takes over those of the snapshot. `added`: to be told before what uses them; `removed`: after it; null: nothing. */
  update(snapshot: Snapshot): { readonly added: CredentialsChange | null; readonly removed: CredentialsChange | null } {
    const certificates = new Map<ObjectKey, CertificatePiece>();
    const authorities = new Map<ObjectKey, AuthorityPiece>();
    for (const piece of snapshot.pieces) {
      if (piece.kind === 'Certificate') certificates.set(piece.key, piece);
      else if (piece.kind === 'Authority') authorities.set(piece.key, piece);
    }
    const added = {
      ...NO_CREDENTIALS,
      certificates: changed(this.#certificates, certificates),
      authorities: changed(this.#authorities, authorities),
    };
    const removed = {
      ...NO_CREDENTIALS,
      removedCertificates: missing(this.#certificates, certificates),
      removedAuthorities: missing(this.#authorities, authorities),
    };
    this.#certificates = certificates;
    this.#authorities = authorities;
    this.#dates.update(added.certificates, removed.removedCertificates);
    this.contexts.clear();
    return { added: hasCredentials(added) ? added : null, removed: hasCredentials(removed) ? removed : null };
  }

  /** All there are, for a worker that has nothing yet. */
  full(): CredentialsChange {
    return {
      ...NO_CREDENTIALS,
      certificates: [...this.#certificates.values()],
      authorities: [...this.#authorities.values()],
    };
  }

  /** Those of them that there are. */
  certificatesOf(keys: readonly ObjectKey[]): CertificatePiece[] {
    return keys.flatMap((key) => this.#certificates.get(key) ?? []);
  }

  authoritiesOf(keys: readonly ObjectKey[]): AuthorityPiece[] {
    return keys.flatMap((key) => this.#authorities.get(key) ?? []);
  }
}

function changed<P extends { readonly hash: string }>(
  before: ReadonlyMap<ObjectKey, P>,
  after: ReadonlyMap<ObjectKey, P>,
): P[] {
  return [...after].flatMap(([key, piece]) => (before.get(key)?.hash === piece.hash ? [] : [piece]));
}

function missing(before: ReadonlyMap<ObjectKey, unknown>, after: ReadonlyMap<ObjectKey, unknown>): ObjectKey[] {
  return [...before.keys()].filter((key) => !after.has(key));
}
