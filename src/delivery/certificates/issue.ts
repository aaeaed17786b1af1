import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

import type { ServerCertificate } from '../contract.ts';
import { addressBytes } from './address-bytes.ts';
import type { Authorities } from './authorities.ts';
import { commonName, dnsName, ipName, newKeyPair, privateKeyText, signCertificate, SKEW } from './x509.ts';

/**
 * A certificate of a server by the current authority, for a day (or less, where the authority ends sooner), with a key of
 * its own that nobody else ever has.
 * Errors: a name or address that is none.
 */
export function issueCertificate(authorities: Authorities, request: CertificateRequest): ServerCertificate {
  const { names, addresses, now } = request;
  const { certificate, privateKey } = authorities.current;
  const authority = new X509Certificate(certificate);
  const [first] = names;
  if (first === undefined) throw new Error('a server certificate needs a DNS name');
  const keys = newKeyPair();
  return {
    certificate: signCertificate({
      subject: first.slice(0, LONGEST_COMMON_NAME),
      issuer: commonName(authority),
      publicKey: keys.publicKey,
      signingKey: createPrivateKey(privateKey),
      notBefore: new Date(now.getTime() - SKEW),
      notAfter: new Date(Math.min(now.getTime() + LIFETIME, authority.validToDate.getTime())),
      use: { kind: 'Server', names: [...names.map(dns), ...addresses.map(ip)] },
    }),
    privateKey: privateKeyText(keys.privateKey),
  };
}

export interface CertificateRequest {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly now: Date;
}

/** When to issue the next one: two thirds of its time are over. */
export function certificateDue(certificate: string): Date {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const from = validFromDate.getTime();
  return new Date(from + ((validToDate.getTime() - from) * 2) / 3);
}

/** Milliseconds. */
const LIFETIME = 24 * 3_600_000;
/** RFC 5280, ub-common-name; the names that count stand in subjectAltName. */
const LONGEST_COMMON_NAME = 64;

const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const DNS = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`);

function dns(text: string): Buffer {
  if (!DNS.test(text)) throw new Error(`read ${JSON.stringify(text)}, expected a DNS name in lower case`);
  return dnsName(text);
}

function ip(text: string): Buffer {
  if (isIP(text) === 0) throw new Error(`read ${JSON.stringify(text)}, expected an IP address`);
  return ipName(addressBytes(text));
}
