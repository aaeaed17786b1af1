/** Judges a certificate and its key by the library that will use them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** Both answer why what is given cannot be used, or null where it can. Of a key's content nothing is told. */
export interface CheckCertificates {
  readonly pair: (certificate: string, key: string) => string | null;
  /** Certificates that sign others. */
  readonly authorities: (certificates: string) => string | null;
}

const checkPair: CheckCertificates['pair'] = (certificate, key) => {
  const [leaf, ...chain] = blocksOf(certificate);
  if (leaf === undefined) return 'tls.crt holds no certificate (PEM, BEGIN CERTIFICATE)';
  const parsed = parse(leaf);
  if (parsed === null) return 'the first certificate in tls.crt cannot be read';
  const unreadable = chain.findIndex((each) => parse(each) === null);
  if (unreadable >= 0) return `certificate ${unreadable + 2} of the chain in tls.crt cannot be read`;
  try {
    const privateKey = createPrivateKey(key);
    return parsed.checkPrivateKey(privateKey) ? null : 'tls.key is not the key of the first certificate in tls.crt';
  } catch {
    // The library's own words could quote what it has read.
    return 'tls.key holds no private key that can be read (PEM, without a passphrase)';
  }
};

const checkAuthorities: CheckCertificates['authorities'] = (certificates) => {
  const blocks = blocksOf(certificates);
  if (blocks.length === 0) return 'ca.crt holds no certificate (PEM, BEGIN CERTIFICATE)';
  const unreadable = blocks.findIndex((each) => parse(each) === null);
  return unreadable < 0 ? null : `certificate ${unreadable + 1} in ca.crt cannot be read`;
};

export const checkCertificates: CheckCertificates = { pair: checkPair, authorities: checkAuthorities };

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

const blocksOf = (pem: string): string[] => pem.match(BLOCK) ?? [];

const parse = (block: string): X509Certificate | null => {
  try {
    return new X509Certificate(block);
  } catch {
    return null;
  }
};
