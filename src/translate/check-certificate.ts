/** Judges a certificate and its key by the library that will use them. */
import { readAuthorities, readCertificate } from '../tls/certificate.ts';

/** Both answer why what is given cannot be used, or null where it can. Of a key's content nothing is told. */
export interface CheckCertificates {
  readonly pair: (certificate: string, key: string) => string | null;
  /** Certificates that sign others. */
  readonly authorities: (certificates: string) => string | null;
}

export const checkCertificates: CheckCertificates = {
  pair: (certificate, key) => faultOf(readCertificate(certificate, key)),
  authorities: (certificates) => faultOf(readAuthorities(certificates)),
};

const faultOf = (read: object): string | null => ('fault' in read ? String(read.fault) : null);
