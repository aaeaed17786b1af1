/**
 * Sessions of chttp. The cookie carries the destination itself, signed: no table, so that a session survives restarts
 * and holds over replicas that share the key.
 *
 * `KTCPVS_SID=v1.<endpoint>.<signature>`, the endpoint as the first 8 bytes of a SHA-256 over row, address and port, in
 * hex; the signature an HMAC-SHA-256 over it, 16 bytes in hex.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export const COOKIE = 'KTCPVS_SID';
const MAX_CACHED = 4096;

export class CookieSigner {
  private readonly keys: readonly Buffer[];
  /** Values that were verified already: an HMAC costs microseconds, a look-up does not. */
  private readonly verified = new Map<string, string>();

  /** `keys` in hex: the first signs, all verify, so that they can be rotated with overlap. */
  constructor(keys: readonly string[]) {
    this.keys = keys.map((key) => Buffer.from(key, 'hex'));
  }

  sign(endpoint: string): string {
    const key = this.keys[0];
    return key === undefined ? '' : `v1.${endpoint}.${signature(key, endpoint)}`;
  }

  /** The endpoint that a cookie's value names, or null where its signature is not one of ours. */
  verify(value: string): string | null {
    const known = this.verified.get(value);
    if (known !== undefined) return known;
    const [version, endpoint = '', given = ''] = value.split('.');
    if (version !== 'v1' || endpoint.length !== 16 || given.length !== 32) return null;
    const genuine = this.keys.some((key) => {
      const expected = signature(key, endpoint);
      return timingSafeEqual(Buffer.from(expected), Buffer.from(given, 'latin1'));
    });
    if (!genuine) return null;
    if (this.verified.size >= MAX_CACHED) this.verified.clear();
    this.verified.set(value, endpoint);
    return endpoint;
  }
}

function signature(key: Buffer, endpoint: string): string {
  return createHmac('sha256', key).update(endpoint).digest('hex').slice(0, 32);
}

/** Name of an endpoint in a cookie: tells nothing of the inside. */
export function endpointToken(row: string, address: string, port: number): string {
  return createHash('sha256').update(`${row}\n${address}\n${port}`).digest('hex').slice(0, 16);
}

/** Value of our cookie in a Cookie field, or null. */
export function cookieValue(field: string): string | null {
  for (const pair of field.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === COOKIE) return pair.slice(equals + 1).trim();
  }
  return null;
}
