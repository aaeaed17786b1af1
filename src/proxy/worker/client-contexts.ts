/** What TLS is spoken with clients by: versions, ciphers, certificates. */
import { constants, createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

import type { AuthorityPiece, CertificatePiece } from '../../model/snapshot.ts';
import { pemCertificates } from '../../tls/certificate.ts';
import { CIPHERS } from '../ciphers.ts';

/** Clients without instructions for AES put ChaCha20 first, and get it. Nobody renegotiates. */
const OPTIONS =
  constants.SSL_OP_PRIORITIZE_CHACHA | constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;

/** Seconds for which a session can be resumed. */
const SESSION_LIFETIME = 7200;

export interface ClientContextOptions {
  /** Never none; of different kinds of key: clients take the one they can. */
  readonly certificates: readonly CertificatePiece[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Null: clients are not asked for a certificate. */
  readonly authorities: readonly AuthorityPiece[] | null;
}

/** A context for clients. Errors: what OpenSSL finds wrong. */
export function clientContext(options: ClientContextOptions): SecureContext {
  const { certificates, minVersion, authorities } = options;
  return createSecureContext({
    cert: certificates.map(({ certificate }) => certificate),
    key: certificates.map(({ privateKey }) => privateKey),
    // without a list, all that the system trusts would be loaded
    ca: certificatesOf(authorities ?? []),
    minVersion,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: OPTIONS,
    sessionTimeout: SESSION_LIFETIME,
    sessionIdContext: sessionScope(certificates, authorities),
  });
}

/**
 * A session that was begun where another certificate is shown, or other authorities (or none) are asked for, cannot be
 * resumed here: whose it is was decided there. A certificate that was renewed is no other one.
 */
function sessionScope(
  certificates: readonly CertificatePiece[],
  authorities: readonly AuthorityPiece[] | null,
): string {
  const keys = certificates.map(({ key }) => key);
  return createHash('sha256')
    .update(JSON.stringify([keys, authorityId(authorities)]))
    .digest('hex')
    .slice(0, 32);
}

/** Name of a set of authorities by what they are; '' = none. */
export function authorityId(authorities: readonly AuthorityPiece[] | null): string {
  if (authorities === null) return '';
  const hash = createHash('sha256');
  for (const text of certificatesOf(authorities).toSorted()) hash.update(text);
  return hash.digest('hex').slice(0, 32);
}

/** Each certificate for itself. */
export function certificatesOf(authorities: readonly AuthorityPiece[]): string[] {
  return authorities.flatMap(({ certificates }) => pemCertificates(certificates));
}
