/**
 * Character classes as tables over all byte values. In each of them 0 is 0: a zero byte behind the data ends every scan,
 * so that no scan needs a bounds check.
 */

/** Token characters (RFC 9110 §5.6.2) but for the underscore, which the field parser looks at by itself. */
export const TOKEN = new Uint8Array(256);
/** Field values (RFC 9110 §5.5): visible characters, space, tab, obs-text. */
export const VALUE = new Uint8Array(256);
/**
 * Path: 1 = plain. `.` and `%` are left out, they may call for normalising; so are `?`, the blank, and what RFC 3986
 * does not allow there (of that, `|[]` pass: browsers send them raw).
 */
export const PATH = new Uint8Array(256);
/** Query: opaque, all visible characters but `#`. */
export const QUERY = new Uint8Array(256);
/** Host names and IPv4 addresses; no percent-encoding, no sub-delimiters. */
export const HOST = new Uint8Array(256);
/** Value of a hexadecimal digit, 255 for anything else. */
export const HEX = new Uint8Array(256).fill(255);

const ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

for (const c of `!#$%&'*+-.^\`|~${ALPHANUMERIC}`) TOKEN[c.charCodeAt(0)] = 1;
for (const c of `-._~${ALPHANUMERIC}`) HOST[c.charCodeAt(0)] = 1;
for (const c of `/-_~!$&'()*+,;=:@|[]${ALPHANUMERIC}`) PATH[c.charCodeAt(0)] = 1;
for (let c = 0x21; c < 0x7f; c++) QUERY[c] = VALUE[c] = 1;
for (let c = 0x80; c < 0x100; c++) VALUE[c] = 1;
VALUE[0x20] = VALUE[0x09] = 1;
QUERY[0x23] = 0;
for (let i = 0; i < 10; i++) HEX[48 + i] = i;
for (let i = 0; i < 6; i++) HEX[65 + i] = HEX[97 + i] = 10 + i;

/** ASCII case-insensitive: do the bytes from `at` spell `text` (lower case letters, digits, `-`)? */
export function spells(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if ((bytes[at + i]! | 0x20) !== text.charCodeAt(i)) return false;
  return true;
}
