/** A certificate as RFC 5280 describes it: EC P-256, signed by ECDSA with SHA-256. */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  type X509Certificate,
} from 'node:crypto';

import { bits, boolean, explicit, identifier, implicit, integer, octets, sequence, setOf, time, utf8 } from './der.ts';

/** Makes and signs it; the answer is PEM. */
export function signCertificate(template: CertificateTemplate): string {
  const { subject, issuer, publicKey, signingKey, notBefore, notAfter } = template;
  const algorithm = sequence(identifier(ECDSA_SHA256));
  const body = sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(serialNumber()),
    algorithm,
    name(issuer),
    sequence(time(notBefore), time(notAfter)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(template))),
  );
  const signed = sequence(body, algorithm, bits(sign('sha256', body, signingKey)));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

export interface CertificateTemplate {
  /** Common names. */
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  /** The issuer's; the authority key identifier is made from it. */
  readonly signingKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly use: { readonly kind: 'Authority' } | { readonly kind: 'Server'; readonly names: readonly Buffer[] };
}

/** Milliseconds by which the clocks of two nodes may differ: from so long before it was made it is valid. */
export const SKEW = 3_600_000;

/** The subject's name, where it has this one alone, as ours do; else empty. */
export const commonName = ({ subject }: X509Certificate): string => /^CN=([^\n]+)$/.exec(subject)?.[1] ?? '';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const newKeyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export const privateKeyText = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });

export const dnsName = (text: string): Buffer => implicit(2, Buffer.from(text, 'latin1'));
export const ipName = (bytes: Buffer): Buffer => implicit(7, bytes);

/** What a certificate says that it was signed by: the first 160 bits of a hash over the key (RFC 7093, method 1). */
export function keyIdentifier(key: KeyObject): Buffer {
  // The key itself, without what kind it is: the last 65 bytes are the uncompressed point.
  const point = (key.type === 'public' ? key : createPublicKey(key))
    .export({ type: 'spki', format: 'der' })
    .subarray(-65);
  return createHash('sha256').update(point).digest().subarray(0, 20);
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const EXTENSION = {
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectNames: '2.5.29.17',
  constraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedUse: '2.5.29.37',
} as const;
/** Bits of keyUsage, from the left. */
const SIGNS = bits(Buffer.of(0x80), 7);
const SIGNS_CERTIFICATES = bits(Buffer.of(0x06), 1);

function extensions({ publicKey, signingKey, use }: CertificateTemplate): Buffer[] {
  const subjectKey = extension(EXTENSION.subjectKey, octets(keyIdentifier(publicKey)));
  const authorityKey = extension(EXTENSION.authorityKey, sequence(implicit(0, keyIdentifier(signingKey))));
  if (use.kind === 'Authority') {
    return [
      // It signs servers, never another authority.
      critical(EXTENSION.constraints, sequence(boolean(true), integer(Buffer.of(0)))),
      critical(EXTENSION.keyUsage, SIGNS_CERTIFICATES),
      subjectKey,
      authorityKey,
    ];
  }
  return [
    critical(EXTENSION.constraints, sequence()),
    critical(EXTENSION.keyUsage, SIGNS),
    extension(EXTENSION.extendedUse, sequence(identifier(SERVER_AUTHENTICATION))),
    extension(EXTENSION.subjectNames, sequence(...use.names)),
    subjectKey,
    authorityKey,
  ];
}

const extension = (id: string, value: Buffer): Buffer => sequence(identifier(id), octets(value));
const critical = (id: string, value: Buffer): Buffer => sequence(identifier(id), boolean(true), octets(value));

const name = (common: string): Buffer => sequence(setOf(sequence(identifier(COMMON_NAME), utf8(common))));

/** Positive, unguessable, always of the same length. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}
