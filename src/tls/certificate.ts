/** What stands in certificates and keys, and what is wrong with them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

export interface CertificateFacts {
  /** DNS names in lower case, `*.` in front of a wildcard; those that SNI can name. */
  readonly names: readonly string[];
  /** `rsa`, `ec`, …: clients may take one and not the other. */
  readonly keyType: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** For people; never with a byte of the key. */
export interface Fault {
  readonly fault: string;
}

/** Certificates of a chain: more than that is a bundle of authorities by mistake. */
const MOST_IN_CHAIN = 16;
/** Authorities of a bundle; the public ones are about 150. */
const MOST_AUTHORITIES = 512;

/** Judges a chain (PEM, the leaf first) and its private key (PEM, without a passphrase). */
export function readCertificate(chain: string, privateKey: string): CertificateFacts | Fault {
  const certificates = parseAll(chain, MOST_IN_CHAIN);
  if ('fault' in certificates) return certificates;
  const leaf = certificates.list[0]!;
  const names = namesOf(leaf);
  if ('fault' in names) return names;
  const key = parseKey(privateKey);
  if ('fault' in key) return key;
  if (!leaf.checkPrivateKey(key.key)) return { fault: 'the private key is not that of the certificate' };
  try {
    // what else its users would find wrong: a key that is too short, a signature that is too weak
    createSecureContext({ cert: chain, key: privateKey, ca: [] });
  } catch (error) {
    return { fault: `the certificate cannot be used: ${reasonOf(error)}` };
  }
  return {
    names: names.list,
    keyType: key.key.asymmetricKeyType ?? '',
    ...validityOf(leaf),
  };
}

/** Names and kind of key of a certificate (PEM) that was found good. Errors: it cannot be read. */
export function readNames(chain: string): Pick<CertificateFacts, 'names' | 'keyType'> {
  const leaf = new X509Certificate(chain);
  const names = namesOf(leaf);
  return { names: 'fault' in names ? [] : names.list, keyType: leaf.publicKey.asymmetricKeyType ?? '' };
}

/** Of the first certificate of a chain, in milliseconds since 1970; null: it cannot be read. */
export function readDates(chain: string): Validity | null {
  try {
    return validityOf(new X509Certificate(chain));
  } catch {
    return null;
  }
}

export type Validity = Pick<CertificateFacts, 'notBefore' | 'notAfter'>;

export function validityOf({ validFromDate, validToDate }: X509Certificate): Validity {
  return { notBefore: validFromDate.getTime(), notAfter: validToDate.getTime() };
}

/** By the clock as it is now: it may have been set since anybody looked. */
export function isValidNow({ notBefore, notAfter }: Validity): boolean {
  const now = Date.now();
  return notBefore <= now && now <= notAfter;
}

/** Judges a bundle of authorities, PEM. */
export function readAuthorities(bundle: string): { readonly count: number } | Fault {
  const certificates = parseAll(bundle, MOST_AUTHORITIES);
  return 'fault' in certificates ? certificates : { count: certificates.list.length };
}

function parseAll(pem: string, most: number): { readonly list: readonly X509Certificate[] } | Fault {
  const blocks = pemCertificates(pem);
  if (blocks.length === 0) return { fault: 'there is no certificate (BEGIN CERTIFICATE … END CERTIFICATE)' };
  if (blocks.length > most) return { fault: `there are ${blocks.length} certificates, at most ${most} are read` };
  const list: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      list.push(new X509Certificate(block));
    } catch (error) {
      return { fault: `certificate ${list.length + 1} of ${blocks.length} cannot be read: ${reasonOf(error)}` };
    }
  }
  return { list };
}

/** The certificates of a text, each for itself. */
export function pemCertificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function parseKey(pem: string): { readonly key: KeyObject } | Fault {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem))
    return { fault: 'the private key has a passphrase; it must be stored without one' };
  try {
    return { key: createPrivateKey(pem) };
  } catch {
    // what the parser says may quote what it read
    return { fault: 'the private key cannot be read; expected PEM with BEGIN … PRIVATE KEY' };
  }
}

/** A NUL (or any other byte that is in no host name) ends the name for some readers and not for others: refused. */
function namesOf(leaf: X509Certificate): { readonly list: readonly string[] } | Fault {
  const listed = leaf.subjectAltName;
  if (listed === undefined) {
    const common = /^CN=(.*)$/m.exec(leaf.subject)?.[1]?.toLowerCase() ?? '';
    return { list: NAME.test(common) ? [common] : [] };
  }
  const names: string[] = [];
  // names with other characters than these are quoted, as JSON
  for (const [, type, quoted, plain] of listed.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|)([^",]*)/g)) {
    if (type !== 'DNS') continue;
    const name = (quoted === '' ? plain! : String(JSON.parse(quoted!))).toLowerCase();
    if (!NAME.test(name)) return { fault: `its name ${JSON.stringify(name.slice(0, 80))} is no name of a host` };
    if (!names.includes(name)) names.push(name);
  }
  return { list: names };
}

const NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

function reasonOf(error: unknown): string {
  const { reason, message } = error as Error & { reason?: string };
  return reason ?? message.replace(/^error:[0-9A-F]+:[^:]*:[^:]*:/, '');
}
