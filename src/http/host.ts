/** `uri-host [ ":" port ]` (RFC 9110 §7.2), stricter: no percent-encoding, no user information, no list, no empty label. */
import { HEX, HOST } from './characters.ts';

/**
 * Checks the authority `bytes[start … end)`.
 * @returns the end of the host without port and trailing dot, or −1
 */
export function hostEnd(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  if (bytes[p] === 0x5b) {
    p++;
    while (p < end && (HEX[bytes[p]!]! < 16 || bytes[p] === 0x3a || bytes[p] === 0x2e)) p++;
    if (p >= end || bytes[p] !== 0x5d || p - start < 3) return -1;
    p++;
    return isPort(bytes, p, end) ? p : -1;
  }
  let label = p;
  for (; p < end && HOST[bytes[p]!] !== 0; p++) {
    if (bytes[p] !== 0x2e) continue;
    if (p === label) return -1;
    label = p + 1;
  }
  if (p === start || !isPort(bytes, p, end)) return -1;
  return bytes[p - 1] === 0x2e ? p - 1 : p;
}

/** Nothing, or a colon and a port of 1 … 65535. */
function isPort(bytes: Uint8Array, p: number, end: number): boolean {
  if (p === end) return true;
  if (bytes[p] !== 0x3a || end - p > 6 || end - p < 2) return false;
  let port = 0;
  for (let i = p + 1; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port > 0 && port <= 65_535;
}
