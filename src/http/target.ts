/**
 * One normalised path for matching, policies, logs and the real server alike (RFC 3986 §6.2.2, §5.2.4): percent-encoded
 * unreserved characters are decoded once, the other escapes get upper-case digits, dot segments are removed. `//` and
 * `%2F` stay. Refused: what two readers could understand differently.
 */
import { HEX } from './characters.ts';

/** Longest path that is normalised; longer ones are refused with their head. */
export const MAX_PATH = 65_536;

const output = new Uint8Array(MAX_PATH);

/** Bytes of the last normalised path; valid until the next call. */
export const normalisedPath: Uint8Array = output;

const SLASH = 0x2f;
const DOT = 0x2e;
const SEMICOLON = 0x3b;

/**
 * Normalises the path `bytes[start … end)`, which begins with a slash and has legal path characters, `.` and `%` only.
 * @returns its length in `normalisedPath`, or −1: bad percent-encoding, control characters, a backslash, an overlong
 * UTF-8 form, a dot segment with parameters, or a path that leaves the root
 */
export function normalisePath(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > MAX_PATH) return -1;
  let o = 0;
  let segment = 0;
  for (let p = start; p < end; p++) {
    let c = bytes[p]!;
    if (c === 0x25) {
      const decoded = p + 2 < end ? octet(bytes, p) : -1;
      if (decoded < 0 || isForbidden(decoded) || isOverlong(bytes, p, end, decoded)) return -1;
      if (isUnreserved(decoded)) {
        c = decoded;
      } else {
        output[o++] = c;
        output[o++] = upperHex(bytes[p + 1]!);
        c = upperHex(bytes[p + 2]!);
      }
      p += 2;
    } else if (c === SLASH) {
      o = closeSegment(o, segment, true);
      if (o < 0) return -1;
      segment = o;
      continue;
    }
    output[o++] = c;
  }
  return closeSegment(o, segment, false);
}

/** Ends the segment `output[segment … o)`; `segment` is behind its slash (0 before the first one). */
function closeSegment(o: number, segment: number, slash: boolean): number {
  let dots = 0;
  while (segment + dots < o && dots < 3 && output[segment + dots] === DOT) dots++;
  if ((dots === 1 || dots === 2) && output[segment + dots] === SEMICOLON && segment + dots < o) return -1;
  if (segment > 0 && segment + dots === o) {
    if (dots === 1) o = segment - 1;
    else if (dots === 2) o = parent(segment - 1);
    if (o < 0) return -1;
    if ((dots === 1 || dots === 2) && !slash) output[o++] = SLASH;
  }
  if (slash) output[o++] = SLASH;
  return o;
}

/** Offset of the slash that begins the segment before the slash at `slash`; −1 above the root. */
function parent(slash: number): number {
  let o = slash - 1;
  while (o >= 0 && output[o] !== SLASH) o--;
  return o;
}

function upperHex(c: number): number {
  return c >= 0x61 ? c - 0x20 : c;
}

function octet(bytes: Uint8Array, percent: number): number {
  const high = HEX[bytes[percent + 1]!]!;
  const low = HEX[bytes[percent + 2]!]!;
  return high > 15 || low > 15 ? -1 : high * 16 + low;
}

function isForbidden(c: number): boolean {
  return c < 0x20 || c === 0x7f || c === 0x5c;
}

/** UTF-8 sequences that hide a shorter character (RFC 3629 §3), such as `%c0%af` for a slash. */
function isOverlong(bytes: Uint8Array, p: number, end: number, first: number): boolean {
  if (first === 0xc0 || first === 0xc1) return true;
  if (first !== 0xe0 && first !== 0xf0) return false;
  const next = p + 5 < end && bytes[p + 3] === 0x25 ? octet(bytes, p + 3) : -1;
  return first === 0xe0 ? next >= 0x80 && next < 0xa0 : next >= 0x80 && next < 0x90;
}

function isUnreserved(c: number): boolean {
  const letter = c | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) ||
    (c >= 0x30 && c <= 0x39) ||
    c === 0x2d ||
    c === DOT ||
    c === 0x5f ||
    c === 0x7e
  );
}
