/** Comma-separated lists of tokens (RFC 9110 §5.6.1). */
import { TOKEN, spells } from './characters.ts';

/**
 * Calls `found` for each token of the list, parameters left off (`trailers;q=0.5` → `trailers`).
 * @returns false where an element is empty, no token, or has parameters
 */
export function eachToken(
  bytes: Uint8Array,
  start: number,
  end: number,
  found: (start: number, end: number) => void,
): boolean {
  let wellFormed = true;
  let p = start;
  while (p <= end) {
    while (p < end && isBlank(bytes[p]!)) p++;
    const token = p;
    while (p < end && (TOKEN[bytes[p]!] !== 0 || bytes[p] === 0x5f)) p++;
    if (p > token) found(token, p);
    else wellFormed = false;
    while (p < end && isBlank(bytes[p]!)) p++;
    if (p < end && bytes[p] !== 0x2c) wellFormed = false;
    while (p < end && bytes[p] !== 0x2c) p++;
    p++;
  }
  return wellFormed;
}

/** Is `token` (lower case) an element of the list? */
export function hasToken(bytes: Uint8Array, start: number, end: number, token: string): boolean {
  let has = false;
  eachToken(bytes, start, end, (s, e) => {
    has ||= e - s === token.length && spells(bytes, s, token);
  });
  return has;
}

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}
