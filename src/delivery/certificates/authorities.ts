/**
 * The life of the installation's authority. Proxies trust a bundle of all that are here, so that no moment exists in which
 * the one that signs is not trusted yet: the next one is in the bundle for weeks before it signs, the previous one until
 * it ends.
 */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

import { commonName, keyIdentifier, newKeyPair, privateKeyText, signCertificate, SKEW } from './x509.ts';

export interface Authorities {
  /** Signs. */
  readonly current: Authority;
  /** Will sign. */
  readonly next: Authority | null;
  /** Certificate of the one that signed; its key is gone. */
  readonly previous: string | null;
}

/** PEM. */
export interface Authority {
  readonly certificate: string;
  readonly privateKey: string;
}

const DAY = 24 * 3_600_000;
const LIFETIME = 365 * DAY;
/** Before the current one's end. */
const NEXT_APPEARS = 90 * DAY;
const NEXT_SIGNS = 60 * DAY;
/** At least; a kubelet brings a changed ConfigMap to its pods within two minutes. */
const OVERLAP = DAY;

export const newAuthorities = (now: Date): Authorities => ({ current: newAuthority(now), next: null, previous: null });

/** As far as is due by now; the same object where nothing is. To be called every hour or so, and at start. */
export function advanceAuthorities(authorities: Authorities, now: Date): Authorities {
  const further = step(authorities, now);
  return further === authorities ? authorities : advanceAuthorities(further, now);
}

function step(authorities: Authorities, now: Date): Authorities {
  const { current, next, previous } = authorities;
  const left = endOf(current.certificate) - now.getTime();
  if (next === null) {
    if (left <= NEXT_APPEARS) return { current, next: newAuthority(now), previous };
  } else {
    const known = now.getTime() - (startOf(next.certificate) + SKEW);
    // One that has ended is worth nothing: then the sooner the better.
    if ((left <= NEXT_SIGNS && known >= OVERLAP) || left <= 0) {
      return { current: next, next: null, previous: left <= 0 ? null : current.certificate };
    }
  }
  if (previous !== null && endOf(previous) <= now.getTime()) return { current, next, previous: null };
  return authorities;
}

/** What proxies trust, PEM: the current one first. */
export const bundleOf = ({ current, next, previous }: Authorities): string =>
  [current.certificate, next?.certificate ?? '', previous ?? ''].join('');

/** For a Secret. */
export function authoritiesToData({ current, next, previous }: Authorities): Record<string, string> {
  return {
    'ca.crt': current.certificate,
    'ca.key': current.privateKey,
    ...(next === null ? {} : { 'next.crt': next.certificate, 'next.key': next.privateKey }),
    ...(previous === null ? {} : { 'previous.crt': previous }),
  };
}

/** Errors: a message for people that names the field; never with what stands in it. */
export function authoritiesFromData(data: Readonly<Record<string, string>>): Authorities {
  const next = data['next.crt'] === undefined ? null : authority(data, 'next');
  const previous = data['previous.crt'];
  if (previous !== undefined) parse(previous, 'previous.crt');
  return { current: authority(data, 'ca'), next, previous: previous ?? null };
}

function newAuthority(now: Date): Authority {
  const keys = newKeyPair();
  // Two of them never have the same name, so that nobody looks for an issuer under the wrong one.
  const name = `tcpvs ${keyIdentifier(keys.publicKey).toString('hex').slice(0, 16)}`;
  const certificate = signCertificate({
    subject: name,
    issuer: name,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    notBefore: new Date(now.getTime() - SKEW),
    notAfter: new Date(now.getTime() + LIFETIME),
    use: { kind: 'Authority' },
  });
  return { certificate, privateKey: privateKeyText(keys.privateKey) };
}

function authority(data: Readonly<Record<string, string>>, field: 'ca' | 'next'): Authority {
  const certificate = data[`${field}.crt`] ?? '';
  const privateKey = data[`${field}.key`] ?? '';
  const parsed = parse(certificate, `${field}.crt`);
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKey);
  } catch {
    throw new Error(`${field}.key is not a private key in PEM`);
  }
  if (!parsed.publicKey.equals(createPublicKey(key))) throw new Error(`${field}.key does not belong to ${field}.crt`);
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (!parsed.ca || curve !== 'prime256v1' || commonName(parsed) === '') {
    throw new Error(`${field}.crt is not an authority that tcpvs has made: remove the fields, and it makes one`);
  }
  return { certificate, privateKey };
}

function parse(certificate: string, field: string): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch {
    throw new Error(`${field} is not a certificate in PEM`);
  }
}

const startOf = (certificate: string): number => new X509Certificate(certificate).validFromDate.getTime();
const endOf = (certificate: string): number => new X509Certificate(certificate).validToDate.getTime();
